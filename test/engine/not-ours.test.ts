import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import type { Stack } from "../support/stack.ts";

/** What carries no mark of ours survives everything that a stack does. */

const DOMAIN = (name: string, owner = "") =>
  `<domain type='lxc'><name>${name}</name>${owner}<memory unit='KiB'>1024</memory><devices><filesystem><source dir='/srv/${name}'/></filesystem></devices></domain>`;
const NETWORK = (name: string, octet: number) =>
  `<network><name>${name}</name><bridge name='${name}'/><ip address='10.${octet}.0.1' netmask='255.255.255.0'><dhcp><range start='10.${octet}.0.2' end='10.${octet}.0.254'/></dhcp></ip></network>`;

let site: Site;
let host: Host;
let stack: Stack;
let theirs: string[];

async function define(kind: "define" | "net-define", xml: string): Promise<void> {
  await host.write("/run/foreign.xml", xml);
  await host.sh(`virsh -q -c lxc:/// ${kind} /run/foreign.xml; rm /run/foreign.xml`);
}

const config = (web: object, alpha: object = { confineOthers: true }) => site.config({ web }, { alpha });

async function edited(web: object) {
  await stack.configure(config(web));
  return stack.up();
}

const seen = async () => (await snapshot(host)).filter((line) => /theirs|packages$/.test(line));

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  await define("define", DOMAIN("theirs"));
  await define("net-define", NETWORK("theirs", 7));
  await host.sh("virsh -q -c lxc:/// net-start theirs");
  await host.write("/mnt/modules/theirs", "(block theirs)");
  await host.write("/mnt/systemd/theirs.service", "[Service]\n");
  await host.write("/var/lib/theirs/file", "theirs");
  theirs = await seen();
  stack = await site.stack("ours", config({}));
});

afterAll(() => site.end());

test("that a domain of theirs would be confined is not done unasked", async () => {
  const other = await site.stack("unasked", config({}, {}));
  const run = await other.up();
  expect(run.ok).toBe(false);
  expect(run.output).toMatch(/without an SELinux label[\s\S]*none: theirs[\s\S]*remedy: .*confineOthers: true/);
  expect(await host.sh("grep -c ^security_ /etc/libvirt/lxc.conf || true")).toBe("0");
  expect((await other.destroy()).ok).toBe(true);
});

test.each<[string, () => Promise<{ ok: boolean; output: string }>]>([
  ["create", () => stack.up()],
  ["update", () => edited({ hostname: "www" })],
  ["replace", () => edited({ hostname: "www", rebuild: "1" })],
  ["destroy", () => stack.destroy()],
])("they survive: %s", async (_, run) => {
  const { ok, output } = await run();
  expect(ok ? "" : output).toBe("");
  expect(await seen()).toEqual(theirs);
});

const owner = `<metadata><svirt:container xmlns:svirt="urn:svirt-lxc:domain:1" owner="p/s/LxcDomain/x" revision="0"/></metadata>`;

test.each<[string, () => Promise<void>, RegExp]>([
  [
    "a domain without a mark",
    () => define("define", DOMAIN("web")),
    /a domain web already[\s\S]*does not carry our mark/,
  ],
  [
    "a domain of another stack",
    () => define("define", DOMAIN("web", owner)),
    /a domain web already[\s\S]*belongs to p\/s\/LxcDomain\/x/,
  ],
  [
    "a network of the same name",
    () => define("net-define", NETWORK("svirt-lxc", 8)),
    /a network svirt-lxc already, and it is not ours/,
  ],
])("%s: the error names the owner, and it stays", async (_, make, error) => {
  await make();
  const named = async () => (await snapshot(host)).filter((line) => /domains\/web|networks\/svirt/.test(line));
  const was = await named();
  const run = await stack.up();
  const during = await named();
  await stack.destroy();
  const after = await named();
  await host.sh("virsh -q -c lxc:/// undefine web; virsh -q -c lxc:/// net-undefine svirt-lxc; true");
  expect(run.ok).toBe(false);
  expect(run.output).toMatch(error);
  expect(during.filter((line) => was.includes(line))).toEqual(was);
  expect(after).toEqual(was);
});
