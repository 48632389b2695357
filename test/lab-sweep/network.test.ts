import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lab } from "../../lab/index.ts";
import { labTest, ownDenials, sharedLab } from "../support/lab.ts";
import { labConfig } from "../support/lab-config.ts";
import { type Run, Stack } from "../support/stack.ts";

/** The network of a real host, whose packet filter and networkd are not ours alone. */

const LIBVIRT = "LibvirtService lab";
const ETHER = "/etc/systemd/network/zz-ether.network";
const RELOAD = "systemctl reload systemd-networkd.service";

let dir: string;
let stack: Stack;
/** What other tests on the same host were denied before. */
let denied: string[];
const config = (...names: string[]) =>
  labConfig(Object.fromEntries(names.map((name) => [name, { host: "lab", image: "base", memory: "256MiB" }])));

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "svirt-lxc-network-"));
  stack = await Stack.create("lab-network", config("net"), { dir });
  denied = await ownDenials(await sharedLab());
}, 20 * 60_000);

afterAll(async () => {
  const lab = await sharedLab();
  await lab.ssh(`nft delete table inet theirs; rm ${ETHER} && ${RELOAD}`, { reject: false });
  await stack.destroy();
  await stack.remove();
  await rm(dir, { recursive: true });
}, 20 * 60_000);

const flush = (lab: Lab) => lab.ssh("nft flush ruleset");
const ports = async (lab: Lab) => (await lab.ssh("ip -o link show master svirt-lxc | grep -c vnet || true")).stdout;
const pid = async (lab: Lab, name: string) => (await lab.ssh(`cat /run/libvirt/lxc/${name}.pid`)).stdout;
// It may be said to have failed where it has not: its control group was gone a moment before (destroyDomain in tools/virsh.ts).
const restart = (lab: Lab, name: string) =>
  lab.ssh(`virsh -c lxc:/// destroy ${name}; sleep 2; virsh -c lxc:/// start ${name} && sleep 5`);
const worked = ({ ok, output }: Run) => expect(ok ? "" : output).toBe("");

labTest("rules that were flushed are named, and written anew; the container keeps running", async (lab) => {
  worked(await stack.up());
  await stack.converged();
  const before = await pid(lab, "net");
  await flush(lab);
  const preview = await stack.preview("--refresh", "--diff");
  expect(preview.operations[LIBVIRT]?.properties).toEqual(["firewall"]);
  expect(preview.output).toMatch(
    /~ firewall *: "missing: forward, masquerade, input, guest-rules, isolation" => "ready"/,
  );
  worked(await stack.up());
  expect((await lab.ssh("nft list ruleset")).stdout).toMatch(/ip saddr 10\.213\.0\.0\/20 .*masquerade/);
  expect(await pid(lab, "net")).toBe(before);
  await stack.converged();
});

labTest("a new container comes up where the rules were flushed and nobody has looked", async (lab) => {
  await flush(lab);
  await stack.configure(config("net", "late"));
  const run = await stack.up("--refresh=false");
  worked(run);
  expect(run.operations[LIBVIRT]).toBeUndefined();
  await stack.converged();
});

labTest("a firewall that drops DHCP is named and left alone; what the error says opens it", async (lab) => {
  await lab.ssh(
    "nft add table inet theirs; nft add chain inet theirs input '{ type filter hook input priority 0; policy drop; }'; " +
      "nft add rule inet theirs input ct state established,related accept; nft add rule inet theirs input tcp dport 22 accept",
  );
  const { stdout } = await lab.ssh("nft -s list ruleset");
  const { ok, output } = await stack.up();
  expect(ok).toBe(false);
  expect(output).toMatch(/containers would get no address[\s\S]*the chain input of the table inet theirs drops DHCP/);
  expect((await lab.ssh("nft -s list ruleset")).stdout).toBe(stdout);
  for (const command of new Set(output.match(/nft insert rule .* accept$/gm))) await lab.ssh(command);
  worked(await stack.up());
  await stack.converged();
  await lab.ssh("nft delete table inet theirs");
});

labTest("a host that configures every interface leaves the containers in their bridge", async (lab) => {
  await stack.configure(config("net", "late"));
  worked(await stack.up());
  await lab.ssh(`printf '[Match]\\nType=ether\\n\\n[Network]\\nDHCP=yes\\n' >${ETHER} && ${RELOAD}`);
  expect(await ports(lab)).toBe("2");
  await restart(lab, "late");
  expect(await ports(lab)).toBe("2");
  worked(await stack.up());
  await stack.converged();
});

labTest("when it is not told so any more, the next up tells it, and puts the containers back", async (lab) => {
  await lab.ssh("rm /etc/systemd/network/0-svirt-lxc.*");
  await lab.ssh(RELOAD);
  await restart(lab, "late");
  expect(await ports(lab)).toBe("0");
  worked(await stack.up());
  expect(await ports(lab)).toBe("2");
  await stack.converged();
});

labTest("nothing of the network is left, and nothing was denied to a container", async (lab) => {
  await lab.ssh(`rm ${ETHER} && ${RELOAD}`);
  worked(await stack.destroy());
  expect((await lab.ssh("ls /etc/systemd/network; nft list ruleset")).stdout).not.toContain("svirt-lxc");
  expect((await ownDenials(lab)).filter((line) => !denied.includes(line))).toEqual([]);
});
