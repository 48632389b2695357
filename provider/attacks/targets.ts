import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { quote } from "../host/batch.ts";
import type { Connection } from "../host/connection.ts";
import { type ContainerLogin, loginScript, rootScript } from "../host/container-ssh.ts";
import { plainHostOptions, plainOptions } from "../host/ssh.ts";
import { mountedRoot } from "../tools/root-mount.ts";
import type { Known } from "./index.ts";
import { startScript } from "./script.ts";

/** Seconds until a host or a container has to have answered: one that stands still takes a connection all the same. */
const PATIENCE = 120;
const CONNECT = ["-o", `ConnectTimeout=${PATIENCE}`];

/** What is believed of what a host tells; and of a container, which may have been taken over. */
const OF_HOST =
  /^((disk|disk_type|group|group_options|file_system|(host|neighbour)_(file|group)) \S+|disk_number \d+:\d+|binfmt_device \d+|(host_(pid|key|ipc)|neighbour_pid) \d+)$/;
const OF_NEIGHBOUR = /^neighbour_(key|ipc) \d+$/;

/** Somebody on a host, and perhaps somebody in another container there, who are to be attacked: processes that change nothing. */
export interface Targets {
  /** What an attacker may have been told of them. */
  known: Known;
  /** Ends them. Throws an Error if they were not there any more. */
  end(): Promise<void>;
}

/** Puts them there. They end by themselves when we do. */
export async function placeTargets(host: Connection, neighbour?: ContainerLogin): Promise<Targets> {
  const program = await readFile(new URL("./target.pl", import.meta.url), "utf8");
  const placed: Target[] = [];
  const end = async () => {
    const ends = await Promise.all(placed.map((target) => target.end()));
    const ended = ends.find((error) => error !== undefined);
    if (ended !== undefined) throw new Error(ended);
  };
  const place = async (...args: Parameters<typeof start>) => {
    placed.push(await start(...args));
  };
  try {
    if (neighbour)
      await place(
        neighbour.name,
        await inContainer(neighbour, target(program, "neighbour", "/root/attack-mark-neighbour")),
        OF_NEIGHBOUR,
      );
    const script = `${lookAtHost(neighbour?.name)}\n${target(program, "host", "/root/attack-mark-host", neighbour?.address)}`;
    await place("the host", rootScript(host, script, [...(await plainHostOptions(host)), ...CONNECT]), OF_HOST);
  } catch (error) {
    await end().catch(() => {});
    throw error;
  }
  return { known: Object.assign({}, ...placed.map(({ known }) => known)), end };
}

/** A script of sh that runs another one in a container, as its root. */
export async function inContainer(login: ContainerLogin, script: string): Promise<string> {
  const options = [...(await plainOptions({ destination: login.address })), ...CONNECT];
  return `set -- ${quote(script)}\n${loginScript(login, options, await plainHostOptions(login.connection))}`;
}

function target(program: string, name: string, ...args: (string | undefined)[]): string {
  const words = [program, `attack-mark-${name}`, ...args].filter((word) => word !== undefined);
  return `exec perl -e ${words.map(quote).join(" ")}`;
}

/** What there is to be known of a host, and of a container as its host sees it. */
function lookAtHost(neighbour: string | undefined): string {
  return `
PATH=$PATH:/usr/sbin:/sbin
[ "$(uname -m)" = x86_64 ] || { echo "the attacks are made for x86_64" >&2; exit 1; }
tell() { [ -z "$2" ] || echo "$1 $2"; }
source=$(findmnt -n -v -o SOURCE /)
tell disk "\${source#/dev/}"
tell disk_number "$(lsblk -n -d -o MAJ:MIN "$source" | tr -d ' ')"
tell disk_type "$(findmnt -n -o FSTYPE /)"
for unit in auditd libvirtd virtlxcd; do
  [ -e /sys/fs/cgroup/system.slice/$unit.service ] && { tell group system.slice/$unit.service; break; }
done
tell group_options "$(findmnt -n -o FS-OPTIONS /sys/fs/cgroup | tr , '\\n' | grep -vx -e rw -e seclabel | paste -s -d ,)"
ls /proc/sys/fs/binfmt_misc/status >/dev/null 2>&1 && tell binfmt_device "$(stat -c %d /proc/sys/fs/binfmt_misc)"
# A file system that it has not loaded.
for type in iso9660 udf minix hfsplus; do
  grep -q -w $type /proc/filesystems || ! modprobe -n -q fs-$type || { tell file_system $type; break; }
done
${neighbour === undefined ? "" : lookAtNeighbour(neighbour)}`;
}

function lookAtNeighbour(name: string): string {
  return `
found=
for pid in $(pgrep -x perl); do
  ! grep -q -a -z -x attack-mark-neighbour /proc/$pid/cmdline || found=$pid
done
tell neighbour_pid "$found"
tell neighbour_group "$(sed -n 's|^0::/||; s|[.]scope.*|.scope|p' "/proc/$found/cgroup")"
tell neighbour_file ${quote(`${mountedRoot(name)}/root/attack-mark-neighbour`)}`;
}

interface Target {
  known: Known;
  /** Why it had ended before. */
  end(): Promise<string | undefined>;
}

/** Starts one, and waits for what it says of itself, as far as that is `believed`. */
async function start(where: string, script: string, believed: RegExp): Promise<Target> {
  const { child, kill } = startScript(script);
  const impatient = setTimeout(kill, PATIENCE * 1000);
  const known: Record<string, string> = {};
  let ended = false;
  void child.then(() => {
    ended = true;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const [key, value] = line.split(/ (.*)/);
    if (line === "ready 1") {
      clearTimeout(impatient);
      return {
        known,
        async end() {
          const was = ended;
          child.stdin.end();
          const { stderr } = await child;
          return was ? `what was to be attacked on ${where} has ended before the attacks did: ${stderr}` : undefined;
        },
      };
    }
    if (believed.test(line)) known[key!] = value!;
  }
  clearTimeout(impatient);
  const { stderr } = await child;
  throw new Error(`nothing to be attacked can be put on ${where}: ${stderr.trim() || "it does not answer"}`);
}
