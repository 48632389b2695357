import { type Disturbance, disturbed } from "../support/host/disturb.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import type { Run, Stack } from "../support/stack.ts";

/** The way to enforcing of a host that must be relabelled: it restarts once, if it may, and whatever stops half-way is continued. */

const KERNEL = "system_u:system_r:kernel_t:s0";

/** What a host may be like before. */
const STATES = {
  disabled: `sed -i s/=.*/=disabled/ /etc/selinux/config; rm /sys/fs/selinux/enforce; echo kernel >/mnt/knobs/init; : >/mnt/autorelabel`,
  "with AppArmor": `sed -i s/=.*/=permissive/ /etc/selinux/config; mv /sys/fs/selinux /mnt/selinuxfs
    echo apparmor >/mnt/knobs/lsm; rm -f /boot/grub/grub.cfg; echo unconfined >/mnt/knobs/init; : >/mnt/autorelabel`,
  "without a policy": `rm -r /etc/selinux/config /etc/selinux/targeted; mv /sys/fs/selinux /mnt/selinuxfs
    echo apparmor >/mnt/knobs/lsm; rm -f /boot/grub/grub.cfg; sed -i '/selinux/d; /auditd/d' /mnt/packages`,
  "without labels": `sed -i s/=.*/=permissive/ /etc/selinux/config; echo 0 >/sys/fs/selinux/enforce
    echo ${KERNEL} >/mnt/knobs/init; echo /etc/passwd >/mnt/knobs/mislabelled`,
} as const;

let site: Site;
let host: Host;
let stack: Stack;
let enforcing: string[];

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  stack = await site.stack("states", site.config({}, { alpha: { reboot: "allowed" } }));
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  enforcing = await snapshot(host);
});

afterAll(() => site.end());

const is = async (state: keyof typeof STATES) => {
  await host.sh(STATES[state]);
  await host.steps();
};
const boot = () => host.read("/mnt/knobs/boot-id");

/** An operation during which the host restarts, if it is asked to. */
async function restarting(operation: Promise<Run | undefined>): Promise<Run | undefined> {
  const [run] = await Promise.all([operation, host.restartWhenAsked(operation)]);
  return run;
}

async function mended(): Promise<void> {
  const { ok, output } = (await restarting(stack.up()))!;
  expect(ok ? "" : output).toBe("");
  expect(await snapshot(host)).toEqual(enforcing);
  expect(host.has("/mnt/autorelabel")).toBe(false);
  await stack.converged();
}

test.each(Object.keys(STATES) as (keyof typeof STATES)[])(
  "%s: one up restarts it once, and it enforces",
  async (state) => {
    await is(state);
    const before = await boot();
    const asked = stack.start("up", "--yes", "--skip-preview");
    expect(await host.restartWhenAsked(asked.done)).toBe(true);
    const after = await boot();
    const { ok, output } = await asked.done;
    expect(ok ? "" : output).toBe("");
    expect(output).toContain("Waiting until alpha has restarted, at most 30 min");
    expect(await boot()).toBe(after);
    expect(after).not.toBe(before);
    expect(await snapshot(host)).toEqual(enforcing);
    await stack.converged();
  },
);

test("a preview tells of the restart, and whom it stops", async () => {
  await is("disabled");
  await host.write("/run/libvirt/qemu/db.pid", "1");
  const { output, operations } = await stack.preview();
  await host.sh("rm -r /run/libvirt/qemu");
  expect(output.replaceAll(/\s+/g, " ")).toMatch(
    /SELinux is disabled.*must restart and relabel all files.*stops QEMU domain db/,
  );
  expect(operations["SelinuxEnforcing alpha"]?.properties.sort()).toEqual(["configured", "mode"]);
  await mended();
});

test("a host that must not be restarted is prepared; the error says whom it would stop, and a restart by hand is as good", async () => {
  await is("disabled");
  await stack.configure(site.config({}));
  const before = await boot();
  for (const _ of ["first", "again"]) {
    const { ok, output } = await stack.up();
    expect(ok).toBe(false);
    expect(output).toMatch(/no policy was loaded.*prepared.*no domain and no login.*remedy: .*reboot: "allowed"/s);
    expect(host.has("/run/systemd/transient/svirt-lxc-reboot.timer")).toBe(false);
  }
  expect(await host.read("/mnt/autorelabel")).toBe("-F\n");
  expect(await host.read("/etc/selinux/config")).toBe("SELINUX=permissive\n");
  expect(await boot()).toBe(before);
  const { rebootRequired, mode } = (await stack.resources())["SelinuxEnforcing alpha"].outputs;
  expect({ rebootRequired, mode }).toEqual({ rebootRequired: true, mode: "disabled" });
  await host.restart();
  await mended();
  await stack.configure(site.config({}, { alpha: { reboot: "allowed" } }));
  await stack.converged();
});

test("so is one that is permissive, where the tool says more of the relabelling", async () => {
  await is("without labels");
  await stack.configure(site.config({}));
  const { ok, output } = await stack.up();
  expect(ok).toBe(false);
  expect(output).toMatch(/process 1 runs as .*kernel_t.*it is prepared.*remedy: .*reboot: "allowed"/s);
  await host.restart();
  await mended();
  await stack.configure(site.config({}, { alpha: { reboot: "allowed" } }));
});

test("a host that is not relabelled by its restart is not restarted again", async () => {
  await is("without labels");
  await host.write("/mnt/knobs/stubborn", "");
  const failed = (await restarting(stack.up()))!;
  expect(failed.ok).toBe(false);
  expect(failed.output).toMatch(
    /process 1 runs as .*kernel_t.*has restarted since.*rm \/var\/lib\/svirt-lxc\/selinux.json/s,
  );
  const after = await boot();
  expect((await restarting(stack.up()))!.output).toContain("it is not restarted again");
  expect(await boot()).toBe(after);
  await host.sh("rm /mnt/knobs/stubborn /var/lib/svirt-lxc/selinux.json");
  await mended();
});

// The sweep disturbs every step in every way; here, each is the last one that a killed engine hears of: four on the way to the
// restart, the others after it.
const disturbances: [Disturbance, number][] = [
  ...[1, 2, 3, 4, 5, 6, 8, 11].map((step): [Disturbance, number] => ["kill after", step]),
  ["lost", 3],
  ["lost", 4],
  ["cut after", 4],
];

test.each(disturbances)("disabled, %s at step %i: the next up continues", async (what, step) => {
  await is("disabled");
  const run = await restarting(disturbed(host, stack, "up", step, what));
  expect(run).toBeDefined();
  await mended();
});

test("killed while the host restarts: the next up continues", async () => {
  await is("with AppArmor");
  const running = stack.start("up", "--yes", "--skip-preview");
  await running.printed("Waiting until alpha has restarted");
  await running.kill();
  await stack.pulumi("cancel", "--yes").catch(() => {});
  await host.restart();
  await mended();
});

test("what explains denials is installed when it is asked for", async () => {
  await stack.configure(site.config({}, { alpha: { reboot: "allowed", troubleshooting: true } }));
  expect((await stack.preview()).operations["SelinuxEnforcing alpha"]?.properties).toEqual(["troubleshooting"]);
  expect((await stack.up()).ok).toBe(true);
  expect(await host.read("/mnt/packages")).toContain("policycoreutils-python-utils\n");
  await stack.converged();
});
