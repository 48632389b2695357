import { join } from "node:path";
import { until } from "../../lab/wait.ts";
import { checkout } from "../../scripts/setup/paths.ts";
import { ownDenials } from "../support/lab.ts";
import { LabLife } from "../support/lab-life.ts";
import { type Run, Stack } from "../support/stack.ts";
import { WORKLOADS } from "../support/workloads.ts";

const LABEL = "system_u:system_r:svirt_lxc_sys_t:s0:c0,c512";
const life = new LabLife("lab-life");

const verbs = (run: Run) => Object.fromEntries(Object.entries(run.operations).map(([name, o]) => [name, o.verb]));

life.event("the first up makes a container that is proven confined", life.nothing, async () => {
  await life.stack.configure(life.config(life.one()));
  const run = await life.stack.up();
  expect(run.output).toContain("10 created");
  expect((await life.stack.outputs()).containers.web).toMatchObject({
    host: "lab",
    labels: [LABEL],
    verdict: "confined",
    address: "10.213.0.2",
  });
  // Two a resource, but LxcStore and SelinuxEnforcing have nothing to do; the upload, and the wait for the boot, a look after each,
  // and what was found is signed.
  expect(run.roundTrips).toHaveLength(17);
  return life.one();
});

life.event("its ssh configuration logs in with the host key pinned", life.one, async () => {
  const { stdout } = await life.login("hostname; systemctl is-system-running --wait");
  expect(stdout.split("\n")).toEqual(["web", "running"]);
});

life.event(
  "after a reboot of the host it is back by itself, the same, and nothing has drifted",
  life.any,
  async (lab) => {
    const before = (await life.stack.outputs()).containers.web;
    const size = async () => (await life.login("df -m --output=size,itotal / | tail -n 1")).stdout;
    const was = await size();
    await life.login("echo kept >/root/data; sync");
    await lab.reboot();
    await until("the container after the reboot", 300, () =>
      life.login("true").then(
        () => true,
        () => false,
      ),
    );
    await life.stack.converged();
    expect(verbs(await life.stack.up())).toEqual({});
    expect((await life.stack.outputs()).containers.web).toEqual(before);
    expect((await life.login("cat /root/data")).stdout).toBe("kept");
    expect(await size()).toBe(was);
  },
);

life.event("every process of it has our type, its pair and a shifted user", life.one, async (lab) => {
  const { stdout } = await lab.ssh("ps -N -p 2 --ppid 2 -ww -o label=,uid=,comm=");
  const processes = stdout.split("\n").map((line) => line.trim().split(/\s+/));
  const ours = processes.filter(([label = ""]) => label.includes("svirt_lxc_sys_t"));
  expect(ours.map(([, , command]) => command)).toEqual(expect.arrayContaining(["systemd", "sshd", "systemd-network"]));
  for (const [label, uid] of ours) {
    expect(label).toBe(LABEL);
    expect(Number(uid)).toBeGreaterThanOrEqual(1879048192);
    expect(Number(uid)).toBeLessThan(1879048192 + 65536);
  }
  const shifted = processes.filter(([, uid]) => Number(uid) >= 1879048192);
  expect(shifted).toHaveLength(ours.length);
  // Inside, SELinux seems to be disabled.
  expect((await life.login("ls -A /sys/fs/selinux 2>/dev/null || true")).stdout).toBe("");
  const controllers = processes.filter(([label = ""]) => label.includes(":virtd_lxc_t:"));
  expect(controllers.map(([, , command]) => command)).toEqual(["libvirt_lxc"]);
});

life.event("what software inside asks of its kernel, it gets", life.one, async () => {
  for (const { name, command, prints } of WORKLOADS) {
    const { stdout } = await life.login(`{ ${command}\n} 2>&1`).catch((error) => ({ stdout: String(error) }));
    if (typeof prints === "string") expect({ name, stdout }).toEqual({ name, stdout: prints });
    else expect({ name, stdout }).toEqual({ name, stdout: expect.stringMatching(prints) });
  }
});

life.event("the host enforces, and nothing was denied to libvirt's controller or to us", life.any, async (lab) => {
  expect((await lab.ssh("getenforce")).stdout).toBe("Enforcing");
  const permissive = (await lab.ssh("seinfo --permissive")).stdout.match(/\w+_t$/gm) ?? [];
  expect(permissive.filter((type) => type !== "virtd_lxc_t")).toEqual([]);
  // What its services are denied while the host reboots is not ours; see lab-sweep/enforcing.test.ts for all the rest.
  expect(await ownDenials(lab)).toEqual([]);
});

life.event("a second up has nothing to do, in one round trip", life.any, async () => {
  const run = await life.stack.up();
  expect(run.output).toContain("10 unchanged");
  expect(run.roundTrips).toHaveLength(1);
  await life.stack.converged();
});

life.event(
  "a domain with another pair than its root's fails, says why, and leaves nothing running",
  life.one,
  async (lab) => {
    const domain = {
      connection: { ssh: "lab", sshConfig: "../../../../.lab-test/ssh_config" },
      name: "stranger",
      rootfs: "web/none",
      path: "/var/lib/svirt-lxc/roots/web/guest/root",
      label: "system_u:system_r:svirt_lxc_sys_t:s0:c7,c519",
      idmap: { start: 1879048192, count: 65536 },
      address: "10.213.0.99",
    };
    const other = await Stack.create(
      "pair",
      { "wrong-pair:domain": domain },
      { dir: life.dir, project: join(checkout, "test/lab/programs/domain") },
    );
    const run = await other.up();
    expect(run.ok).toBe(false);
    expect(run.output).toMatch(
      /the container stranger is not confined: its ids are of slot 0, which is not recorded as its own/,
    );
    expect(run.output).toContain("remedy:");
    expect((await lab.ssh("virsh -q -c lxc:/// list --name")).stdout.trim()).toBe("web");
    expect((await other.destroy()).ok).toBe(true);
    expect((await lab.ssh("virsh -q -c lxc:/// list --all --name")).stdout.trim()).toBe("web");
    await other.remove();
  },
);

life.event("destroy leaves nothing, though it was killed", life.any, async (lab) => {
  await life.killedAt("Unmounting the root", "destroy");
  expect((await life.stack.destroy()).ok).toBe(true);
  expect(await life.stack.resources()).toEqual({});
  const left = await lab.ssh(
    [
      "ls -d /var/lib/svirt-lxc /etc/systemd/system/svirt-lxc-* /etc/systemd/system/*/svirt-lxc-* /run/svirt-lxc/batch.*",
      "findmnt -rn -o TARGET | grep svirt",
      "virsh -q -c lxc:/// list --all --name; virsh -q -c lxc:/// net-list --all --name | grep -v '^default *$'",
      "semodule -l | grep svirt; grep '^security' /etc/libvirt/lxc.conf; true",
    ].join(" 2>/dev/null; "),
  );
  expect(left.stdout.trim()).toBe("");
  return life.nothing();
});
