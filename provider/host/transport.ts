import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { execa } from "execa";
import { quote } from "./batch.ts";
import type { Connection } from "./connection.ts";
import { HostError } from "./errors.ts";
import { endSharedConnection, sshCommand } from "./ssh.ts";

/** How a script's run ended, as far as the workstation saw it. */
export interface ScriptResult {
  stdout: Buffer;
  stderr: string;
  /** Exit code of the connection or the shell; undefined if it was killed or never started. */
  exit: number | undefined;
}

/** All that the commands on a host find in their environment; a script of ours adds to it. */
export const ENVIRONMENT = "HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C";

export interface ScriptOptions {
  /** A file that follows the script on standard input. */
  upload?: string;
  /** Seconds until the connection is given up. */
  timeout: number;
  /** By a login of its own, and not over the connection that others share. */
  newConnection?: boolean;
  /** Seconds that the connection may take. Default: what the user's configuration says. */
  connectTimeout?: number;
  /** Called for each progress line as it arrives, with whose it is, if the script has said so. */
  onProgress: (line: string, resource?: string) => void;
}

/**
 * Runs a script in a root shell of the host and returns what it printed.
 *
 * The script goes in by standard input: `head -c` takes exactly its bytes, so that an upload can follow, and the shell
 * evaluates it without it ever being in anyone's arguments. Nothing of the caller's environment goes with it: TAR_OPTIONS or
 * POSIXLY_CORRECT, set here or sent along by ssh (SendEnv, SetEnv), would change what commands do.
 */
export async function runScript(connection: Connection, script: string, options: ScriptOptions): Promise<ScriptResult> {
  const text = Buffer.from(script);
  const asRoot = `if [ "$(id -u)" = 0 ]; then set --; else set -- sudo -n; fi; exec "$@" env -i ${ENVIRONMENT} sh -c 'eval "$(head -c ${text.length})"'`;
  const argv = [
    ...(await shell(connection, options)),
    connection.ssh === undefined ? asRoot : `sh -c ${quote(asRoot)}`,
  ];

  const upload = options.upload === undefined ? undefined : (await openUpload(options.upload)).createReadStream();
  const child = execa(argv[0]!, argv.slice(1), {
    stdin: "pipe",
    encoding: "buffer",
    stripFinalNewline: false,
    buffer: { stderr: false },
    maxBuffer: 256 * 1024 * 1024,
    timeout: options.timeout * 1000,
    reject: false,
  });
  child.stdin.on("error", () => {}); // the shell went away: its exit code says so
  child.stdin.write(text);
  if (upload === undefined) child.stdin.end();
  else upload.on("error", (e) => child.stdin.destroy(e)).pipe(child.stdin);

  const stderr = progressLines(child.stderr, options.onProgress);
  const result = await child;
  upload?.destroy(); // whoever was to read it may have gone away
  if (result.code === "ENOENT") throw missing(argv[0]!);
  return { stdout: Buffer.from(result.stdout), stderr: await stderr, exit: result.exitCode };
}

function missing(program: string): HostError {
  return new HostError({
    code: "program-missing",
    what: `there is no ${program} on the PATH`,
    where: "this workstation",
    why: "hosts are reached by OpenSSH",
    remedy: "install OpenSSH's client (openssh-client, openssh-clients), and run the same command again",
  });
}

async function openUpload(file: string) {
  try {
    return await open(file);
  } catch (error) {
    throw new HostError({
      code: "file-unreadable",
      what: `cannot read ${resolve(file)}`,
      why: (error as Error).message,
      remedy: "put the file there, or declare where it is",
    });
  }
}

/** The argv that runs one shell command on the host. */
async function shell({ ssh, sshConfig }: Connection, options: ScriptOptions): Promise<string[]> {
  const { newConnection: isSeparate, connectTimeout } = options;
  if (ssh === undefined) return ["sh", "-c"];
  return sshCommand({ destination: ssh, config: sshConfig, isSeparate, connectTimeout });
}

/** Ends the connection to a host that operations share. */
export async function disconnect({ ssh, sshConfig }: Connection): Promise<void> {
  if (ssh !== undefined) await endSharedConnection({ destination: ssh, config: sshConfig });
}

/** Splits progress from errors; returns the errors. */
async function progressLines(stream: NodeJS.ReadableStream, onProgress: ScriptOptions["onProgress"]): Promise<string> {
  stream.setEncoding("utf8");
  let resource: string | undefined;
  let errors = "";
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("\x1d")) resource = line.slice(1);
      else if (line.startsWith("\x1e")) onProgress(line.slice(1), resource);
      else errors = `${errors}${line}\n`.slice(-16_384);
    }
  }
  return errors + rest;
}
