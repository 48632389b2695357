import { lstatSync, mkdirSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { execa } from "execa";
import type { Connection } from "./connection.ts";
import { sha256 } from "./digest.ts";

/** How a host is reached by ssh. */
export interface SshTarget {
  /** The destination, as one types it. */
  destination: string;
  /** An extra ssh_config(5). */
  config?: string;
  /** A connection of its own, which shows that the host still lets one in. Default: the one that all operations share. */
  isSeparate?: boolean;
  /** Seconds that the connection may take. Default: what the user's configuration says. */
  connectTimeout?: number;
}

const option = ([key, value]: readonly [string, string]) => ["-o", `${key}=${value}`];

/**
 * What a user's ssh_config(5) may say of a host for their own logins, and would break a command that reads standard input and
 * whose output is read: a command of its own, a terminal, forwardings that are in use elsewhere.
 */
const OPTIONS = [
  ["BatchMode", "yes"],
  ["ServerAliveInterval", "15"],
  ["ServerAliveCountMax", "8"],
  ["LogLevel", "ERROR"],
  ["RemoteCommand", "none"],
  ["RequestTTY", "no"],
  ["ClearAllForwardings", "yes"],
  ["ExitOnForwardFailure", "no"],
  ["PermitLocalCommand", "no"],
  ["ForwardAgent", "no"],
  ["ForwardX11", "no"],
  ["Tunnel", "no"],
  ["VisualHostKey", "no"],
] as const;

/** The same, of keywords that came with OpenSSH 8.7: an older one refuses them, and knows nothing that they undo. */
const OPTIONS_OF_8_7 = [
  ["SessionType", "default"],
  ["StdinNull", "no"],
  ["ForkAfterAuthentication", "no"],
] as const;

/** One connection serves all operations; it ends by itself shortly after the last one, even when we are killed. */
const SHARING = [
  ["ControlMaster", "auto"],
  ["ControlPersist", "10"],
] as const;

/** The argv that runs one shell command on a host. */
export async function sshCommand(target: SshTarget): Promise<string[]> {
  const { destination, config, isSeparate = false, connectTimeout } = target;
  const file = fileOf(config);
  const { options } = await optionsFor(file, destination);
  const socket = (isSeparate ? undefined : await sharedSocket(target)) ?? "none";
  const limit = connectTimeout === undefined ? [] : option(["ConnectTimeout", String(connectTimeout)]);
  const sharing = [...SHARING, ["ControlPath", socket] as const].flatMap(option);
  return ["ssh", ...file, ...options, ...limit, ...sharing, "--", destination];
}

/** Ends the connection that operations share, if there is one. One to a host that has gone away would be waited for by the next. */
export async function endSharedConnection(target: SshTarget): Promise<void> {
  const socket = await sharedSocket(target);
  if (socket === undefined) return;
  const { destination, config } = target;
  const exit = ["-o", `ControlPath=${socket}`, "-O", "exit", "--", destination];
  await execa("ssh", [...fileOf(config), ...exit], { stdin: "ignore", reject: false });
}

/** The socket of the connection to a host that operations share. */
async function sharedSocket({ destination, config }: SshTarget): Promise<string | undefined> {
  const file = fileOf(config);
  return controlPath([destination, ...file, (await optionsFor(file, destination)).resolved]);
}

/** The options with which a user's configuration of a host does not get in the way of a command there. */
export async function plainOptions({ destination, config }: SshTarget): Promise<string[]> {
  return (await optionsFor(fileOf(config), destination)).options;
}

/** The same for the ssh to a host; none for this machine. */
export async function plainHostOptions({ ssh, sshConfig }: Connection): Promise<string[]> {
  return ssh === undefined ? [] : plainOptions({ destination: ssh, config: sshConfig });
}

function fileOf(config: string | undefined): string[] {
  return config === undefined ? [] : ["-F", resolve(config)];
}

interface ResolvedOptions {
  options: string[];
  /** All settings of the connection. */
  resolved: string;
}

const known = new Map<string, Promise<ResolvedOptions>>();

/** The options of a destination, asked for once in a process. */
function optionsFor(file: string[], destination: string): Promise<ResolvedOptions> {
  const key = JSON.stringify([file, destination]);
  const options = known.get(key) ?? resolveOptions(file, destination);
  known.set(key, options);
  return options;
}

/**
 * The options that this machine's ssh takes, and what it makes of them, of the user's configuration and of the destination
 * (`ssh -G`, ssh(1)). What it cannot make sense of is for the command itself to say.
 */
async function resolveOptions(file: string[], destination: string): Promise<ResolvedOptions> {
  const all = [...OPTIONS, ...OPTIONS_OF_8_7].flatMap(option);
  const older = OPTIONS.flatMap(option);
  for (const options of [all, older]) {
    const { stdout, exitCode } = await execa("ssh", [...file, ...options, "-G", "--", destination], {
      stdin: "ignore",
      reject: false,
    });
    if (exitCode === 0) return { options, resolved: stdout };
  }
  return { options: older, resolved: "" };
}

/** ssh binds a socket of a name that is 17 characters longer, and the shortest limit is that of macOS: 104 bytes (unix(4)). */
const PATH_MAX = 104 - 17 - 1;

/**
 * The socket of a connection. Its name is a digest of all that is known of it: `%C` leaves out how a host is reached, so that
 * two hosts of one address behind different bastions would share a connection. Undefined if there is no place for it: then
 * each operation logs in by itself.
 */
export function controlPath(known: readonly string[]): string | undefined {
  const name = sha256(JSON.stringify(known)).slice(0, 16);
  // A path that is not absolute is to be ignored (XDG Base Directory Specification).
  return [process.env.XDG_RUNTIME_DIR, process.env.TMPDIR, "/tmp"]
    .filter((dir): dir is string => dir !== undefined && isAbsolute(dir))
    .map((dir) => join(dir, `svirt-lxc-${uid()}`))
    .filter((folder) => Buffer.byteLength(join(folder, name)) <= PATH_MAX && isOwnFolder(folder))
    .map((folder) => join(folder, name))[0];
}

/** userInfo() fails for one that has no name, as in some containers. */
function uid(): number | undefined {
  return process.getuid?.();
}

/**
 * Makes a folder for sockets, where one can be made, that nobody else can write to: who could put a socket there would be given
 * what is meant for the host.
 */
function isOwnFolder(dir: string): boolean {
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") return false;
  }
  const found = lstatSync(dir);
  return found.isDirectory() && found.uid === uid() && (found.mode & 0o077) === 0;
}
