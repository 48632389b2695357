import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import type { Stack } from "../support/stack.ts";

/** The host's packet filter is not ours alone: what was flushed is written anew, and nobody else's rule is changed. */

const LIBVIRT = "LibvirtService alpha";
const RULESET = "/mnt/knobs/ruleset";
const base = (table: string, name: string, hook: string, ...rules: string[]) =>
  [
    `table ${table} {`,
    `chain ${name} {`,
    `type filter hook ${hook} priority filter; policy drop;`,
    ...rules,
    "}",
    "}",
    "",
  ].join("\n");
const DOCKER = base(
  "ip filter",
  "FORWARD",
  "forward",
  "counter jump DOCKER-USER",
  "counter jump DOCKER-FORWARD",
).replace(/}\n}\n$/, '}\nchain DOCKER-USER {\n}\nchain DOCKER-FORWARD {\niifname "docker0" counter accept\n}\n}\n');
const INPUT = base("inet filter", "input", "input", "ct state established,related accept", "tcp dport 22 accept");

let site: Site;
let host: Host;
let stack: Stack;
let intact: string[];

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  stack = await site.stack("network", site.config({ web: {} }));
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  intact = await snapshot(host);
});

afterAll(() => site.end());

const flush = () => host.sh("nft flush ruleset");
const v = (command: string) => host.sh(`virsh -q -c lxc:/// ${command}`);
const pid = async (name: string) => (await host.read(`/run/libvirt/lxc/${name}.pid`)).trim();

/** What a preview finds to do on libvirt's side, by property. */
const changes = async () => (await stack.preview()).operations[LIBVIRT]?.properties;

async function mended(...args: string[]): Promise<void> {
  const { ok, output } = await stack.up(...args);
  expect(ok ? "" : output).toBe("");
  expect(await snapshot(host)).toEqual(intact);
  await stack.converged();
}

test("rules that were flushed are named, and written anew; the container goes on running", async () => {
  const before = await pid("web");
  await flush();
  expect(await changes()).toEqual(["firewall"]);
  expect((await stack.preview("--diff")).output).toMatch(
    /~ firewall *: "missing: forward, masquerade, input, isolation" => "ready"/,
  );
  await mended();
  expect(await pid("web")).toBe(before);
});

test("the kernel forwards no more: it is named, and mended", async () => {
  await host.write("/mnt/knobs/forwarding", "0\n");
  expect((await stack.preview("--diff")).output).toMatch(/"missing: forwarding" => "ready"/);
  await mended();
  expect(await host.read("/mnt/knobs/forwarding")).toBe("1\n");
});

test("a stopped network starts where the rules were flushed", async () => {
  await flush();
  await v("net-destroy svirt-lxc");
  await mended();
});

test("a network of the first release, without a domain, is defined anew, with its reservations", async () => {
  await host.sh("sed -i '/<domain /d' /mnt/networks/svirt-lxc/config.xml");
  expect(await changes()).toBeDefined();
  await mended();
});

test("a new container comes up where the rules were flushed, and nobody has looked", async () => {
  await flush();
  await stack.configure(site.config({ web: {}, db: {} }));
  const { ok, output, operations } = await stack.up("--refresh=false");
  expect(ok ? "" : output).toBe("");
  expect(operations[LIBVIRT]).toBeUndefined();
  expect(operations["LxcDomain db"]?.verb).toBe("create");
  await stack.converged();
  await flush();
  await stack.configure(site.config({ web: {} }));
  await mended("--refresh=false");
});

const refusals: [name: string, ruleset: string, property: string, error: RegExp][] = [
  [
    "DHCP",
    INPUT,
    "dhcp dropped by inet filter input; dns dropped by inet filter input",
    /containers would get no address[\s\S]*the chain input of the table inet filter drops DHCP[\s\S]*nft insert rule inet filter input iifname svirt-lxc udp dport 67 accept/,
  ],
  [
    "what Docker does not know",
    DOCKER,
    "forward dropped by ip filter FORWARD",
    /reach nothing outside[\s\S]*the chain FORWARD of the table ip filter[\s\S]*iptables -I DOCKER-USER -i svirt-lxc -j ACCEPT/,
  ],
];

test.each(refusals)(
  "a firewall that drops %s is named, and left as it is: nothing is changed",
  async (_, ruleset, named, error) => {
    await host.write(RULESET, ruleset);
    expect((await stack.preview("--diff")).output).toContain(`"${named}" => "ready"`);
    await host.steps();
    const { ok, output } = await stack.up();
    expect(ok).toBe(false);
    expect(output).toMatch(error);
    expect(await host.steps()).toEqual([]);
    expect(await host.read(RULESET)).toBe(ruleset);
    expect(await snapshot(host)).toEqual(intact);
    await host.sh(`rm ${RULESET}`);
    await mended();
  },
);

test("a new host whose firewall drops DHCP is left without a network, and can be given up", async () => {
  const other = await site.host("beta");
  await other.write(RULESET, INPUT);
  const config = { ...site.config({}), "svirt-lxc:hosts": { beta: { ssh: "beta" } } };
  const beta = await site.stack("beta", config);
  const { ok, output } = await beta.up();
  expect(ok).toBe(false);
  expect(output).toMatch(/drops DHCP of svirt-lxc/);
  expect(await other.sh("ls /mnt/networks; grep -c ^security_ /etc/libvirt/lxc.conf || true")).toBe("0");
  const opened = INPUT.replace("tcp dport 22", "iifname svirt-lxc accept\ntcp dport 22");
  await other.write(RULESET, opened);
  expect((await beta.up()).ok).toBe(true);
  await beta.converged();
  await other.write(RULESET, INPUT);
  expect((await beta.destroy()).ok).toBe(true);
  expect(await other.read(RULESET)).toBe(INPUT);
});
