import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../lab/wait.ts";
import { labTest } from "../support/lab.ts";
import { expectEnforcing, says } from "../support/lab-selinux.ts";
import { Stack } from "../support/stack.ts";

/** A host whose files and processes have no labels. */

const SYSTEMD = "/usr/lib/systemd/systemd";

labTest("a host without labels is relabelled by the next up, when the first one was killed", async (lab) => {
  const dir = await mkdtemp(join(tmpdir(), "svirt-lxc-lab-"));
  const host = { ssh: "lab", sshConfig: ".lab-test/ssh_config", reboot: "allowed" };
  const stack = await Stack.create("lab-unlabelled", { "svirt-lxc:hosts": { lab: host } }, { dir });
  expect((await stack.up()).ok).toBe(true);
  await lab.ssh(
    `setenforce 0 && sed -i s/^SELINUX=.*/SELINUX=permissive/ /etc/selinux/config && ` +
      `chcon -t unlabeled_t ${SYSTEMD} /etc/passwd /etc/shadow`,
  );
  await lab.reboot("Permissive");
  expect(await says(lab, "ps -o label= -p 1")).toContain(":kernel_t:");
  const running = stack.start("up", "--yes", "--skip-preview");
  await running.printed("Waiting until lab has restarted");
  await running.kill();
  await stack.pulumi("cancel", "--yes").catch(() => {});
  await until("the host's return", 600, async () => (await says(lab, "ps -o label= -p 1")).includes(":init_t:"));
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  await expectEnforcing(lab);
  await stack.converged();
  expect((await stack.destroy()).ok).toBe(true);
  await stack.remove();
  await rm(dir, { recursive: true });
});
