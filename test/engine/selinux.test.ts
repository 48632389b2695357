import { type Disturbance, disturbed } from "../support/host/disturb.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import type { Stack } from "../support/stack.ts";

/** The way from permissive to enforcing: nobody is locked out, and whatever stops half-way is continued. */

const TIMER = "/run/systemd/transient/svirt-lxc-permissive.timer";
const PERMISSIVE = "setenforce 0; sed -i s/enforcing/permissive/ /etc/selinux/config";

let site: Site;
let host: Host;
let stack: Stack;
let enforcing: string[];

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  stack = await site.stack("selinux", site.config({}));
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  enforcing = await snapshot(host);
});

afterAll(() => site.end());

beforeEach(async () => {
  await host.sh(PERMISSIVE);
  await host.steps();
});

const timeIsUp = () => host.sh(`sh ${TIMER} && rm ${TIMER}`);
const changes = async () => (await stack.preview()).operations["SelinuxEnforcing alpha"]?.properties.sort();

async function mended(): Promise<void> {
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  expect(await snapshot(host)).toEqual(enforcing);
  await stack.converged();
}

test("the preview names what is not as it should be; up goes through, and locks the host only for what changes it", async () => {
  expect(await changes()).toEqual(["configured", "mode"]);
  await mended();
  const steps = await host.steps();
  expect(steps.map((step) => step.split(" ")[0])).toEqual(["free", "locked", "locked", "free", "locked", "locked"]);
  const marks = ["piped restorecon -R", TIMER.split("/").pop(), "setenforce 1", "enforce", "stop", "SELINUX=$1"];
  expect(steps[2]).toBe("locked setenforce 1 ");
  expect(steps).toEqual(marks.map((mark) => expect.stringContaining(mark!.replace(/\.timer$/, ""))));
});

test("where a new login is closed, the next boot stays as it was, and a timer opens the host again", async () => {
  await host.closed(true);
  const { ok, output } = await stack.up();
  await host.closed(false);
  expect(ok).toBe(false);
  expect(output).toContain('gives no new login at the step "Logging in again, while SELinux is enforcing"');
  expect(output).toMatch(/Connection closed by alpha.*remedy: .*permissive again within 60 s/s);
  expect(await host.read("/sys/fs/selinux/enforce")).toBe("1\n");
  expect(await host.read("/etc/selinux/config")).toBe("SELINUX=permissive\n");
  await timeIsUp();
  expect(await changes()).toEqual(["configured", "mode"]);
  await mended();
});

test("a login that comes when the time is up proves nothing", async () => {
  await host.fault("step", 4, "before");
  const running = stack.start("up", "--yes", "--skip-preview");
  expect(await host.blocked(running.done)).toBe(true);
  await timeIsUp();
  await host.go();
  const { ok, output } = await running.done;
  expect(ok).toBe(false);
  expect(output).toContain("SELinux is permissive again");
  expect(await host.read("/etc/selinux/config")).toBe("SELINUX=permissive\n");
  await mended();
});

// The sweep disturbs every step in every way; here, each is the last one that a killed engine hears of.
const disturbances: [Disturbance, number][] = [
  ...[1, 2, 3, 4, 5, 6].map((step): [Disturbance, number] => ["kill after", step]),
  ["lost", 3],
  ["lost", 4],
];

test.each(disturbances)("%s at step %i: the next up continues", async (what, step) => {
  expect(await disturbed(host, stack, "up", step, what)).toBeDefined();
  await mended();
});

test("the next up continues also when the time was up in between", async () => {
  await disturbed(host, stack, "up", 4, "kill before");
  await timeIsUp();
  await mended();
});

test("files without their labels get them; where that does not help, the host stays permissive", async () => {
  const before = await snapshot(host);
  await host.write("/mnt/knobs/mislabelled", "/etc/passwd\n/etc/shadow\n");
  await host.write("/mnt/knobs/stubborn", "");
  const { ok, output } = await stack.up();
  expect(ok).toBe(false);
  expect(output).toMatch(/4 files still.*\/etc\/shadow.*remedy:/s);
  expect(await snapshot(host)).toEqual(before);
  await host.sh("rm /mnt/knobs/stubborn");
  await mended();
  expect(host.has("/mnt/knobs/mislabelled")).toBe(false);
});

test("what is denied when the host enforces is told before", async () => {
  const denial =
    "type=AVC msg=audit(1764168000.1:7): avc:  denied  { write } for  pid=9 comm=x scontext=system_u:system_r:cron_t:s0 " +
    "tcontext=system_u:object_r:etc_t:s0 tclass=file permissive=1\n";
  await host.write("/mnt/denials", denial);
  const { ok, output } = await stack.up();
  await host.sh("rm /mnt/denials");
  expect(ok).toBe(true);
  expect(output.replaceAll(/\s+/g, " ")).toContain("denies when it enforces: 1 times cron_t to etc_t, file: write");
});

test("a type that was made permissive is named, and the container on it is stopped", async () => {
  await stack.configure(site.config({ web: {} }));
  await stack.up();
  await host.sh("echo '(typepermissive svirt_lxc_sys_t)' >/run/p.cil; runcon x semodule -i /run/p.cil; rm /run/p.cil");
  const { ok, output } = await stack.up();
  expect(ok).toBe(false);
  expect(output).toMatch(/svirt_lxc_sys_t.*permissive/);
  expect(await host.sh("virsh -q -c lxc:/// list --name")).not.toContain("web");
  await host.sh("runcon x semodule -r p");
  expect((await stack.up()).ok).toBe(true);
  await stack.converged();
});

test("a whole life leaves no denial", async () => {
  await stack.configure(site.config({ web: { hostname: "www" } }));
  expect((await stack.up()).ok).toBe(true);
  expect((await stack.destroy()).ok).toBe(true);
  expect(host.has("/mnt/denials") ? await host.read("/mnt/denials") : "").toBe("");
});
