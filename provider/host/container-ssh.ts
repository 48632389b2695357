import { quote } from "./batch.ts";
import type { Connection } from "./connection.ts";

/** A container's sshd, and how it is reached. */
export interface ContainerLogin {
  /** The name under which its host key is known. */
  name: string;
  address: string;
  /** The public half of its ssh host key. */
  hostKey: string;
  /** Its host, which the login goes through. */
  connection: Connection;
  /** Private keys that log in, besides those that ssh finds by itself. */
  identities: readonly string[];
}

/**
 * Connects the host's end of a login with a container's sshd, by bash's own means (bash(1), REDIRECTION). `ssh -W` would need a
 * host whose sshd allows forwarding (AllowTcpForwarding), which hardened ones do not. It ends when either side does.
 */
const RELAY = "exec 3<>/dev/tcp/%h/%p 4<&0 && { cat <&4 >&3 & cat <&3 & wait -n; kill $(jobs -p); } 2>/dev/null";

/** The value of ProxyCommand (ssh_config(5)) that leads through a host; `options` are those with which its ssh is called. */
export function proxyCommand({ ssh, sshConfig }: Connection, options: readonly string[]): string {
  if (ssh === undefined) return "none";
  const file = sshConfig === undefined ? "" : `-F ${literal(quote(sshConfig))} `;
  return `ssh ${file}${options.join(" ")} -- ${literal(quote(ssh))} ${quote(`bash -c ${quote(RELAY)}`)}`;
}

/** Escapes what ssh would replace: %x stands for something else (ssh_config(5), TOKENS). */
export function literal(text: string): string {
  return text.replaceAll("%", "%%");
}

/**
 * A script of sh that runs its first argument, another one, in a container as its root, by the workstation's own ssh. Only the
 * host key that was made for the container is accepted. Standard input is the command's. `options` are those of ssh to the
 * container, `hostOptions` those to its host: see plainOptions.
 *
 * Paths stay as they were given: relative ones are of the project's folder, in which it runs.
 */
export function loginScript(
  { name, address, hostKey, connection, identities }: ContainerLogin,
  options: readonly string[],
  hostOptions: readonly string[],
): string {
  const words = [
    "ssh",
    ...options,
    ...["-o", `ProxyCommand=${proxyCommand(connection, hostOptions)}`],
    ...["-o", `HostKeyAlias=${name}`, "-o", "StrictHostKeyChecking=yes", "-o", "GlobalKnownHostsFile=/dev/null"],
    ...["-o", "UpdateHostKeys=no", "-o", "ControlPath=none"],
    ...identities.flatMap((file) => ["-o", `IdentityFile="${literal(file)}"`]),
  ];
  // The file is named by a path without blanks, which ssh would split (ssh_config(5), UserKnownHostsFile).
  return [
    `keys=$(TMPDIR=/tmp mktemp) && trap 'rm -f "$keys"' EXIT && trap 'exit 143' TERM || exit 1`,
    `printf '%s\\n' ${quote(`${name} ${hostKey}`)} >"$keys" || exit 1`,
    `quoted=$(printf '%s\\n' "$1" | sed "s/'/'\\\\\\\\''/g")`,
    `${words.map(quote).join(" ")} -o UserKnownHostsFile="$keys" -- ${quote(`root@${address}`)} "sh -ec '$quoted'"`,
  ].join("\n");
}

/**
 * A script of sh that runs another one on a host as root. Without a destination it is this machine. What the login shell there is
 * given is one line without an inner quote: csh would run each line for itself, and fish knows \\' in quotes.
 */
export function rootScript({ ssh, sshConfig }: Connection, script: string, options: readonly string[]): string {
  const command = `if [ "$(id -u)" = 0 ]; then set --; else set -- sudo -n; fi; exec "$@" env LC_ALL=C sh -c ${quote(script)}`;
  if (ssh === undefined) return command;
  const file = sshConfig === undefined ? [] : ["-F", sshConfig];
  const words = ["ssh", ...file, ...options, "-o", "ControlPath=none", "--", ssh];
  const encoded = Buffer.from(command).toString("base64");
  words.push(`sh -c 'eval "$(echo ${encoded} | base64 -d)"'`);
  return words.map(quote).join(" ");
}
