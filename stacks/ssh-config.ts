import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Connection } from "../provider/host/connection.ts";
import { literal, proxyCommand } from "../provider/host/container-ssh.ts";
import { plainHostOptions } from "../provider/host/ssh.ts";

/** A container that one can log into. */
export interface Reachable {
  name: string;
  connection: Connection;
  address: string;
  /** The public ssh host key. */
  hostKey: string;
  /** Private keys that log in. */
  identities: string[];
}

/** Where the generated configuration lies, relative to the project. */
const FOLDER = ".svirt";
export const SSH_CONFIG = `${FOLDER}/ssh_config`;

/** The files of a container. */
const filesOf = (stack: string, name: string, base: string) => ({
  config: resolve(base, FOLDER, stack, `${name}.conf`),
  knownHosts: resolve(base, FOLDER, stack, `${name}.known_hosts`),
});

/** The command that logs in: as long as no other stack has one of that name, the name alone does as well. */
export const sshCommand = (stack: string, name: string) => `ssh -F ${SSH_CONFIG} ${name}.${stack}`;

/**
 * The ssh_config(5) of a container: reached through its host, with the host key that was made for it pinned.
 * `base` is the project's folder: ssh resolves relative paths against another one.
 */
export async function sshConfig(
  stack: string,
  { name, connection, address, identities }: Reachable,
  base: string,
): Promise<string> {
  const { ssh, sshConfig } = connection;
  const host = { ssh, sshConfig: sshConfig && resolve(base, sshConfig) };
  const options = await plainHostOptions(host);
  return [
    `Host ${name} ${name}.${stack}`,
    `  HostName ${address}`,
    "  User root",
    ...identities.map((file) => `  IdentityFile "${literal(file)}"`),
    // Said in any case: ssh takes from other stacks' containers of that name what this one does not say.
    `  ProxyCommand ${proxyCommand(host, options)}`,
    `  HostKeyAlias ${name}.${stack}`,
    `  UserKnownHostsFile "${literal(filesOf(stack, name, base).knownHosts)}"`,
    "  StrictHostKeyChecking yes",
    "",
  ].join("\n");
}

/**
 * Has SSH_CONFIG include the containers of all stacks, and forgets those that this stack no longer declares. Of several of one
 * name, ssh takes this stack's.
 */
export function openSshConfig(stack: string, names: string[], base: string): void {
  const folder = resolve(base, FOLDER);
  const own = resolve(folder, stack);
  mkdirSync(own, { recursive: true });
  const kept = new Set(names.flatMap((name) => Object.values(filesOf(stack, name, base))));
  for (const file of readdirSync(own).map((file) => resolve(own, file))) if (!kept.has(file)) rmSync(file);
  write(resolve(base, SSH_CONFIG), `Include "${own}/*.conf" "${folder}/*/*.conf"\n`);
}

/** Writes how to reach a container. It has files of its own: one that failed takes no other one's from the user. */
export async function writeSshConfig(stack: string, container: Reachable, base: string): Promise<void> {
  const { config, knownHosts } = filesOf(stack, container.name, base);
  write(knownHosts, `${container.name}.${stack} ${container.hostKey}\n`);
  write(config, await sshConfig(stack, container, base));
}

/** In one go: ssh may be reading it. */
function write(file: string, text: string): void {
  writeFileSync(`${file}.${process.pid}`, text);
  renameSync(`${file}.${process.pid}`, file);
}
