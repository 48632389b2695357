import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../lab/wait.ts";
import { denials, labTest, sharedLab } from "../support/lab.ts";
import { labConfig } from "../support/lab-config.ts";
import { says as hostSays } from "../support/lab-selinux.ts";
import { Stack } from "../support/stack.ts";

/** SELinux of a host: nothing of ours is denied what it does, and the way to enforcing locks nobody out. */

const LABEL = /^system_u:system_r:svirt_lxc_sys_t:s0:c\d+,c\d+$/;
/** PAM closes new logins while the kernel enforces, as it does where they get no context (pam_selinux). */
const CLOSED = "account required pam_exec.so quiet /usr/bin/grep -q 0 /sys/fs/selinux/enforce";

let dir: string;
let stack: Stack;
let denied: string[];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "svirt-lxc-lab-"));
  stack = await Stack.create("lab-selinux", labConfig({ sealed: { host: "lab", image: "base" } }), { dir });
  denied = await denials(await sharedLab());
});

afterAll(async () => {
  await stack.remove();
  await rm(dir, { recursive: true });
});

const says = async (command: string) => hostSays(await sharedLab(), command);
const drifted = async () =>
  Object.fromEntries(
    Object.entries((await stack.preview("--refresh")).operations).map(([name, { properties }]) => [name, properties]),
  )["SelinuxEnforcing lab"];

labTest("setenforce 0: the preview names it, up mends it, and all is as it was", async (lab) => {
  const first = await stack.up();
  expect(first.ok ? "" : first.output).toBe("");
  await lab.ssh("setenforce 0");
  expect(await drifted()).toEqual(["mode"]);
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  expect(await says("getenforce")).toBe("Enforcing");
  expect(await says("ls /run/systemd/transient | grep svirt-lxc")).toBe("");
  await stack.converged();
  expect((await stack.outputs()).containers.sealed).toMatchObject({
    verdict: "confined",
    labels: [expect.stringMatching(LABEL)],
  });
});

labTest("a whole life leaves no denial", async (lab) => {
  expect((await stack.destroy()).ok).toBe(true);
  expect((await denials(lab)).filter((line) => !denied.includes(line))).toEqual([]);
});

labTest("where enforcing closes new logins, the host opens by itself, and its next boot is left alone", async (lab) => {
  await stack.configure(labConfig({}));
  const permissive = "setenforce 0 && sed -i s/^SELINUX=.*/SELINUX=permissive/ /etc/selinux/config";
  await lab.ssh(`${permissive} && cp /etc/pam.d/sshd /root/sshd.pam && sed -i '1i ${CLOSED}' /etc/pam.d/sshd`);
  const failed = await stack.up();
  expect(failed.ok).toBe(false);
  expect(failed.output).toContain('gives no new login at the step "Logging in again, while SELinux is enforcing"');
  expect(failed.output).toContain("permissive again within 60 s");
  await until("a login", 300, async () => (await says("getenforce")) === "Permissive");
  expect(await says("grep ^SELINUX= /etc/selinux/config")).toBe("SELINUX=permissive");
  await lab.ssh("mv /root/sshd.pam /etc/pam.d/sshd");

  // What was moved there has the label of where it was; it is mended before the kernel enforces.
  expect(await says("restorecon -n -v /etc/pam.d/sshd")).toContain("Would relabel");
  expect((await drifted())?.sort()).toEqual(["configured", "mode"]);
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  expect(await says("getenforce; grep ^SELINUX= /etc/selinux/config")).toBe("Enforcing\nSELINUX=enforcing");
  expect(await says("restorecon -F -n -v /etc/selinux/config; restorecon -n -v /etc/pam.d/sshd")).toBe("");
  await stack.converged();
});
