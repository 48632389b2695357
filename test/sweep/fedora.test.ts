import { fedora } from "../../provider/families/fedora.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import type { Stack } from "../support/stack.ts";

/** A host of Fedora's shape: its packages, and a daemon of libvirt for each driver. What these print is documented, not recorded. */

const RELEASE = 'ID=fedora\nVERSION_ID=44\nPRETTY_NAME="Fedora Linux 44"\n';

let site: Site;
let host: Host;
let stack: Stack;

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  await host.write("/etc/os-release", RELEASE);
  await host.write("/mnt/packages", "nftables\n");
  await host.sh("systemctl disable libvirtd.service; rm -f /mnt/units/libvirtd.*");
  stack = await site.stack("fedora", site.config({ web: {} }));
});

afterAll(() => site.end());

const units = async () => (await host.sh("ls /mnt/units")).split("\n").filter((unit) => /^(lib)?virt/.test(unit));

test("from nothing: the packages, virtlxcd, virtnetworkd and virtnwfilterd, and a container that is confined", async () => {
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  expect((await stack.outputs()).containers.web.verdict).toBe("confined");
  expect((await host.read("/mnt/packages")).trim().split("\n")).toEqual(fedora.packages.toSorted());
  const daemons = ["virtlxcd", "virtnetworkd", "virtnwfilterd"];
  expect(await units()).toEqual(daemons.flatMap((name) => [`${name}.service`, `${name}.socket`]));
  await stack.converged();
});

test("daemons that have ended, since nobody needed them, are as they should be", async () => {
  await host.sh("rm /mnt/units/virt*.service");
  await stack.converged();
});

test("a socket that somebody stopped is started", async () => {
  await host.sh("rm /mnt/units/virtnetworkd.socket");
  const { ok, operations } = await stack.up();
  expect(ok).toBe(true);
  expect(operations["LibvirtService alpha"]?.verb).toBe("update");
  expect(await units()).toContain("virtnetworkd.socket");
});

test("destroyed, the network is gone, and the packages stay", async () => {
  expect((await stack.destroy()).ok).toBe(true);
  expect(await host.sh("ls /mnt/networks /mnt/domains")).toBe("/mnt/domains:\n\n/mnt/networks:");
  expect(await host.read("/mnt/packages")).toContain("libvirt-daemon-driver-lxc");
});
