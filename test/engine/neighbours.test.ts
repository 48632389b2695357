import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import type { Stack } from "../support/stack.ts";

/** What containers may reach is changed while they run, kept over a flush, seen by a refresh, and goes with them. */

const LIBVIRT = "LibvirtService alpha";
const TABLE = "/mnt/tables/svirt-lxc.svirt-lxc";

let site: Site;
let host: Host;
let stack: Stack;
let before: string[];

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  before = await snapshot(host);
  stack = await site.stack("neighbours", site.config({ web: {}, db: {} }));
  await worked();
});

afterAll(() => site.end());

async function worked(...args: string[]): Promise<Record<string, { verb: string; properties: string[] }>> {
  const { ok, output, operations } = await stack.up(...args);
  expect(ok ? "" : output).toBe("");
  await stack.converged();
  return operations as Record<string, { verb: string; properties: string[] }>;
}

const pids = () => host.sh("cat /run/libvirt/lxc/web.pid /run/libvirt/lxc/db.pid");
const addressOf = async (name: string) => (await stack.outputs()).containers[name].address as string;
/** The rules that are loaded of a container. */
const chainOf = async (name: string) =>
  (new RegExp(`chain from-${name} \\{\\n(.*?)\\n\\t\\}`, "s").exec(await host.read(TABLE))?.[1] ?? "none")
    .split("\n")
    .map((line) => line.trim());

test("by default a container reaches nothing of its host's or its neighbour's, and has the filter", async () => {
  expect(await chainOf("web")).toEqual(["ct count over 4096 drop"]);
  expect(await chainOf("db")).toEqual(["ct count over 4096 drop"]);
  const xml = await host.read("/etc/libvirt/lxc/web.xml");
  expect(xml).toMatch(/<port isolated=.yes./);
  expect(xml).toMatch(new RegExp(`<filterref filter=.svirt-lxc-guest.>.*value=.${await addressOf("web")}.`));
});

test("what it may reach is changed while it runs, as the preview said; two may name each other", async () => {
  const running = await pids();
  await stack.configure(
    site.config({ web: { talksTo: ["db", "10.213.9.9"], hostPorts: ["tcp/5432"] }, db: { talksTo: ["web"] } }),
  );
  const preview = (await stack.preview()).operations;
  expect(preview["LxcDomain web"]).toMatchObject({ verb: "update", properties: ["hostPorts", "talksTo"] });
  expect(preview["LxcDomain db"]).toMatchObject({ verb: "update", properties: ["talksTo"] });
  await worked();
  expect(await chainOf("web")).toEqual([
    "ct count over 4096 drop",
    "fib daddr type local tcp dport 5432 accept",
    `ip daddr ${await addressOf("db")} accept`,
    "ip daddr 10.213.9.9 accept",
  ]);
  expect(await chainOf("db")).toEqual(["ct count over 4096 drop", `ip daddr ${await addressOf("web")} accept`]);
  expect(await pids()).toBe(running);
});

test("IPv6: each container has an address of its slot, may send from no other, and reaches whom it may talk to", async () => {
  const running = await pids();
  const containers = { web: { talksTo: ["db"], isolated: false }, db: {} };
  await stack.configure(site.config(containers, { alpha: { subnet6: "fd42:1:2:3::/64" } }));
  const preview = (await stack.preview()).operations;
  expect(preview[LIBVIRT]).toMatchObject({ verb: "update", properties: ["subnet6"] });
  expect(preview["LxcRootfs db"]).toMatchObject({ verb: "update", properties: ["subnet6"] });
  await worked();
  const { web, db } = (await stack.outputs()).containers;
  expect([web.address6, db.address6].sort()).toEqual(["fd42:1:2:3::2", "fd42:1:2:3::3"]);
  expect(await chainOf("web")).toEqual([
    "ct count over 4096 drop",
    `ip daddr ${db.address} accept`,
    `ip6 daddr ${db.address6} accept`,
    "ip daddr @open accept",
    "ip6 daddr @open6 accept",
  ]);
  expect(await host.read(TABLE)).toContain(`elements = { ${db.address6} : jump from-db }`);
  const [own, linkLocal] = [/name=.IPV6. value=.(.*?).\/>/, /name=.LINKLOCAL. value=.(fe80:.*?).\/>/];
  const xml = await host.read("/etc/libvirt/lxc/db.xml");
  expect(xml).toContain("svirt-lxc-guest-ipv6");
  expect(own.exec(xml)?.[1]).toBe(db.address6);
  expect(linkLocal.exec(xml)?.[1]).toMatch(/^fe80::aff:fed5:\d$/);
  expect(await pids()).not.toBe(running);
  await host.sh("sed -i 's/drop/accept/' /etc/libvirt/nwfilter/svirt-lxc-guest-ipv6.xml");
  expect((await stack.preview("--diff")).output).toMatch(/~ firewall *: "missing: guest-filter-ipv6" => "ready"/);
  await worked();
  await stack.configure(site.config({ web: { talksTo: ["db"], hostPorts: ["tcp/5432"] }, db: { talksTo: ["web"] } }));
  await worked();
  expect((await stack.outputs()).containers.web.address6).toBeUndefined();
  expect(await host.read(TABLE)).not.toContain("ip6 ");
});

test("rules that somebody changed are named by property, and mended", async () => {
  const intact = await snapshot(host);
  const file = "/var/lib/svirt-lxc/networks/svirt-lxc/containers/web.nft";
  await host.sh(`sed -i '/dport 5432/d' ${file} && sh /var/lib/svirt-lxc/networks/svirt-lxc/load`);
  expect((await stack.preview()).operations["LxcDomain web"]).toMatchObject({ properties: ["hostPorts"] });
  await host.sh(`rm ${file} && sh /var/lib/svirt-lxc/networks/svirt-lxc/load`);
  expect((await stack.preview()).operations["LxcDomain web"]).toMatchObject({ properties: ["drift"] });
  await worked();
  expect(await snapshot(host)).toEqual(intact);
});

test("flushed rules, a changed filter and a missing drop-in are named, and mended, while both run", async () => {
  const intact = await snapshot(host);
  const running = await pids();
  await host.sh("nft flush ruleset; sed -i 's/drop/accept/' /etc/libvirt/nwfilter/svirt-lxc-guest.xml");
  await host.sh("rm -r /etc/systemd/system/nftables.service.d");
  expect((await stack.preview("--diff")).output).toMatch(
    /~ firewall *: "missing: forward, masquerade, input, guest-filter, isolation" => "ready"/,
  );
  expect((await worked())[LIBVIRT]?.properties).toEqual(["firewall"]);
  expect(await snapshot(host)).toEqual(intact);
  expect(await pids()).toBe(running);
});

test("a container without its filter and its slice is drift: it is restarted with them, and no other one is", async () => {
  const [web, db] = (await pids()).split("\n");
  const definition = async () => (await host.read("/run/libvirt/lxc/web.xml")).replace(/ id='\d+'/, "");
  const intact = await definition();
  const bare = "sed -i '/<filterref/d; /<port /d; s,/machine/svirt-lxc/web,/machine,'";
  await host.sh(`${bare} /etc/libvirt/lxc/web.xml /run/libvirt/lxc/web.xml`);
  expect((await stack.preview()).operations["LxcDomain web"]).toMatchObject({ verb: "update", properties: ["drift"] });
  expect(Object.keys(await worked())).toEqual(["LxcDomain web"]);
  expect(await definition()).toBe(intact);
  const [restarted, other] = (await pids()).split("\n");
  expect([restarted === web, other === db]).toEqual([false, true]);
});

test("a container's rules go with it, and all of it with the last", async () => {
  await stack.configure(site.config({ web: {} }));
  await worked();
  expect(await chainOf("db")).toEqual(["none"]);
  expect(host.has("/var/lib/svirt-lxc/networks/svirt-lxc/containers/db.nft")).toBe(false);
  const { ok, output } = await stack.destroy();
  expect(ok ? "" : output).toBe("");
  expect(await snapshot(host)).toEqual(before);
});
