import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkout } from "../../scripts/setup/paths.ts";
import { labTest } from "../support/lab.ts";
import { Stack } from "../support/stack.ts";

/** A real sshd, and what a user may have configured for their own logins to it. */

const THEIRS = `
  RemoteCommand tmux new -A
  RequestTTY force
  LocalForward 8080 localhost:80
  ExitOnForwardFailure yes
  SessionType none
  StdinNull yes
  SetEnv POSIXLY_CORRECT=1 LANG=de_DE.UTF-8
  SendEnv *
  LogLevel VERBOSE
`;

labTest("a host is reached through whatever its user has configured and exported for themselves", async (lab) => {
  const dir = await mkdtemp(join(tmpdir(), "svirt-lxc-connection-"));
  const long = join(dir, "t".repeat(80));
  await mkdir(long);
  const sshConfig = join(dir, "ssh_config");
  await writeFile(sshConfig, `Host lab${THEIRS}\nMatch all\n  Include "${lab.sshConfig}"\n`);
  const config = { "only-store:connection": { ssh: "lab", sshConfig } };
  const project = join(checkout, "test/lab/programs/store");
  const env = { TMPDIR: long, XDG_RUNTIME_DIR: long, TAR_OPTIONS: "--help", IFS: "a" };
  const stack = await Stack.create("connection", config, { dir, project, env });
  const up = await stack.up();
  expect(up.ok ? "" : up.output).toBe("");
  expect((await stack.outputs()).machine).toBe((await lab.ssh("cat /etc/machine-id")).stdout.trim());
  await stack.converged();
  expect((await stack.destroy()).ok).toBe(true);
  await stack.remove();
  await rm(dir, { recursive: true });
});
