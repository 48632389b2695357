import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { quote } from "../provider/host/batch.ts";
import type { Connection } from "../provider/host/connection.ts";

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

/**
 * The ssh_config(5) of a stack's containers: reached through their host, with the host key that was made for them pinned.
 * `base` is the project's folder: ssh resolves relative paths against another one.
 */
export function sshConfig(stack: string, containers: Reachable[], base: string): string {
  return containers
    .map(({ name, connection, address, identities }) => {
      const { ssh, sshConfig } = connection;
      const via = sshConfig === undefined ? "" : `-F ${quote(resolve(base, sshConfig))} `;
      return [
        `Host ${name} ${name}.${stack}`,
        `  HostName ${address}`,
        "  User root",
        ...identities.map((file) => `  IdentityFile "${literal(file)}"`),
        ...(ssh === undefined ? [] : [`  ProxyCommand ssh ${literal(via)}-W %h:%p -- ${literal(quote(ssh))}`]),
        `  HostKeyAlias ${name}.${stack}`,
        `  UserKnownHostsFile "${literal(resolve(base, FOLDER, `${stack}.known_hosts`))}"`,
        "  StrictHostKeyChecking yes",
        "",
      ].join("\n");
    })
    .join("\n");
}

/** ssh replaces %x by what it stands for (ssh_config(5), TOKENS). */
function literal(text: string): string {
  return text.replaceAll("%", "%%");
}

/** Writes the configuration of a stack. SSH_CONFIG includes those of all stacks; of several of one name, ssh takes this one's. */
export function writeSshConfig(stack: string, containers: Reachable[], base: string): void {
  const folder = resolve(base, FOLDER);
  // ssh may be reading them.
  const write = (file: string, text: string) => {
    writeFileSync(`${file}.${process.pid}`, text);
    renameSync(`${file}.${process.pid}`, file);
  };
  mkdirSync(folder, { recursive: true });
  const knownHosts = containers.map(({ name, hostKey }) => `${name}.${stack} ${hostKey}\n`).join("");
  write(resolve(folder, `${stack}.known_hosts`), knownHosts);
  write(resolve(folder, `${stack}.ssh_config`), sshConfig(stack, containers, base));
  write(resolve(base, SSH_CONFIG), `Include "${folder}/${stack}.ssh_config" "${folder}/*.ssh_config"\n`);
}
