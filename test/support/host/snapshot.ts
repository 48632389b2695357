import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { join } from "node:path";
import type { Host } from "./host.ts";

/** Where a host keeps what outlives a command. */
const PLACES = [
  "/var/lib",
  ...["etc", "systemd", "domains", "networks", "tables", "modules", "units", "contexts", "packages"].map(
    (name) => `/mnt/${name}`,
  ),
  "/run",
  "/sys/fs/selinux",
  "/sys/fs/cgroup",
];
/** What is there only while somebody works, or says how often somebody did. */
const PASSING = [
  /^\/mnt\/etc\/\.pwd\.lock$/,
  /^\/run\/svirt-lxc(\/(lock|holder|inspection|batch\..*))?$/,
  /^\/run\/libvirt/,
  /^\/sys\/fs\/selinux\/access$/,
  /\/layers\/((disk|mapped)\/)?work\//,
];
const MOUNTS =
  "findmnt -rno ID,TARGET,FSTYPE | awk 'NR == FNR {inherited[$1]; next} !($1 in inherited) && $2 !~ /^\\/proc\\// {print $2, $3}' /mnt/inherited - | sort";
const PROCESSES = `ps -eo pid=,ppid=,args= |
awk -v self=$$ '$1 != 1 && $1 != self && $2 != self && !($2 == 1 && $3 == "cat") && $3 !~ /^\\[/ {print "process " $3}'`;

/** What a host is like, as lines that compare. Of what is made anew each time, and of revisions, it counts that they are there. */
export async function snapshot(host: Host): Promise<string[]> {
  const rest = await host.sh(`cat /mnt/labels/* 2>/dev/null | sed 's/^/label /'; ${MOUNTS}; ${PROCESSES}`);
  const files = PLACES.flatMap((place) => describe(host, place));
  const withoutIds = files.map((line) => line.replaceAll(STACK_ID, "$1ID"));
  return [...withoutIds.sort(), ...rest.split("\n")];
}

/** The ID of a stack, which is random (host/owner.ts), in a record or as part of a file's name. */
const STACK_ID = /(@|%40)[0-9a-f]{8}(?=\/|%2F)/g;

/** A line for a file, and for each one below it. They are read from outside: a process a file would be slow. */
function describe(host: Host, file: string): string[] {
  const outside = host.path(file);
  const found = lstatSync(outside, { throwIfNoEntry: false });
  if (!found) return [];
  const below = found.isDirectory() ? readdirSync(outside).flatMap((name) => describe(host, join(file, name))) : [];
  if (PASSING.some((pattern) => pattern.test(file))) return below;
  const mode = `${(found.mode & 0o7777).toString(8)} ${found.uid}:${found.gid}`;
  return [`${file} ${mode} ${contentOf(file, outside, found)}`, ...below];
}

function contentOf(file: string, outside: string, found: Stats): string {
  if (found.isDirectory()) return "/";
  if (found.isSymbolicLink()) return `-> ${readlinkSync(outside)}`;
  if (!found.isFile()) return "(no file)";
  if (/\/layers\/disk\.img$/.test(file)) return `(${found.size} bytes)`;
  if (/\/(uuid|.*machine-id|.*ssh_host_.*_key.*|evidence\/key(\.pub)?)$/.test(file)) return "(made anew)";
  const text = readFileSync(outside, "utf8");
  if (file.includes("shadow")) return text.replaceAll(/\$[^:\n]*/g, "HASH");
  if (file.endsWith(".xml")) {
    return text
      .replaceAll(/[0-9a-f]{8}-[0-9a-f-]*/g, "UUID")
      .replaceAll(/ id=.[0-9]*.>/g, ">")
      .replaceAll(/revision="[0-9]*"/g, 'revision="N"');
  }
  if (file.startsWith("/var/lib/svirt-lxc/") && /\.json$|\/(slots|claims)\//.test(file))
    return text.replace(/"revision":[0-9]*/, '"revision":N').replace(/"instance":"[^"]*"/, '"instance":ID');
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** The folders of batches, which nobody has when nothing is under way. */
export async function batches(host: Host): Promise<string> {
  return host.sh("ls -d /run/svirt-lxc/batch.* 2>/dev/null || true");
}
