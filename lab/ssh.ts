import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import type { LabImage } from "./image.ts";

/** What a command in the lab host gave. */
export interface SshResult {
  stdout: string;
  stderr: string;
  exitCode: number;
}

/** How to run a command in the lab host. */
export interface SshOptions {
  input?: string;
  /** Seconds; 120 without. */
  timeout?: number;
  /** False: a failed command is a result, not an error. */
  reject?: boolean;
}

/** The ssh configuration of a lab folder: `ssh -F FILE lab`. */
export const sshConfigPath = (dir: string) => join(dir, "ssh_config");

/** Writes the ssh configuration for a port, with the image's host key pinned, and the key pair that logs in. */
export async function writeSshConfig(dir: string, port: number, image: LabImage): Promise<void> {
  const knownHosts = join(dir, "known_hosts");
  const identity = join(dir, "id_ed25519");
  await copyFile(image.clientKey, identity);
  await copyFile(`${image.clientKey}.pub`, `${identity}.pub`);
  const settings = [
    "HostName 127.0.0.1",
    `Port ${port}`,
    "User root",
    `IdentityFile "${identity}"`,
    "IdentitiesOnly yes",
    "PreferredAuthentications publickey",
    // the key is known by a name: the port is another one at each start
    "HostKeyAlias svirt-lxc-lab",
    `UserKnownHostsFile "${knownHosts}"`,
    "GlobalKnownHostsFile /dev/null",
    "StrictHostKeyChecking yes",
    "UpdateHostKeys no",
    "LogLevel ERROR",
  ];
  await writeFile(knownHosts, `svirt-lxc-lab ${image.hostKey}\n`);
  await writeFile(sshConfigPath(dir), `Host lab\n${settings.map((line) => `  ${line}\n`).join("")}`);
}

/** Runs a command in the lab host. */
export async function ssh(dir: string, command: string, options: SshOptions = {}): Promise<SshResult> {
  const { input = "", timeout = 120, reject = true } = options;
  // Who may be refused asks again.
  const login = ["-F", sshConfigPath(dir), "-o", `ConnectTimeout=${reject ? 60 : 5}`, "lab"];
  const result = await execa("ssh", [...login, command], { input, timeout: timeout * 1000, reject });
  return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode ?? 255 };
}
