import { USERLAND } from "../tools/capabilities.ts";

/** A process of a container, as the host sees it. */
export interface Process {
  pid: number;
  uid: number;
  /** Its SELinux context; "" if it ended while it was read. */
  label: string;
  command: string;
  /** Its groups, as the host sees them. */
  groups: number[];
  /** Namespaces that are the host's: "net" and the like. */
  shared: string[];
  /** The capabilities that it can ever have over the container's user namespace, a bit each; absent in one of its own making, and of one that ended. */
  bounding?: bigint;
}

/** A file system that it sees, other than the kernel's own and those in memory. */
export interface Mount {
  type: string;
  target: string;
  source: string;
  options: string[];
}

/** One line of /proc/PID/uid_map or gid_map (user_namespaces(7)). */
export interface MapEntry {
  inside: number;
  outside: number;
  count: number;
}

/** What was read of a running container, from the outside. */
export interface Evidence {
  /** The kernel enforces the policy. */
  enforcing: boolean;
  /** What the loaded policy lets it do and should not, as sentences; undefined if the kernel did not say. */
  policy?: string[];
  uidMap: MapEntry[];
  gidMap: MapEntry[];
  mounts: Mount[];
  processes: Process[];
  /** Processes of the host that somebody sent into it, such as an administrator's nsenter(1). */
  visitors: Process[];
}

/** What the container was to be. */
export interface Expected {
  /** The whole context: user:role:type:level. */
  label: string;
  /** First id of its range on the host, and how many ids. */
  idmap: { start: number; count: number };
}

export interface Verdict {
  confined: boolean;
  /** Why not; empty if confined. */
  reasons: string[];
  /** The distinct labels of its processes. */
  labels: string[];
  processes: number;
  /** Who has come in from outside. It is no fault of the container's, and goes by itself. */
  visitors: string[];
}

/** The one type that our policy confines. Any other, whatever its name promises, is not proven. */
export const PROCESS_TYPE = "svirt_lxc_sys_t";

/** The capabilities that a container does not have over its user namespace, a bit each. */
const WITHHELD = ~BigInt(`0x${USERLAND}`);

/** One piece of evidence. */
export interface Check {
  /** What was looked at. */
  what: string;
  /** What was found, in words that are the same as long as nothing changes. */
  found: string;
  /** What is wrong with it; empty if nothing. */
  faults: string[];
}

/** Whether every process of a container is confined as declared. `found` are its checks, where somebody has them already. */
export function judge(evidence: Evidence, expected: Expected, found: Check[] = checks(evidence, expected)): Verdict {
  const alive = evidence.processes.filter((p) => p.label !== "");
  const reasons = found.flatMap(({ faults }) => faults);
  const visitors = evidence.visitors
    .filter((p) => p.label !== "")
    .map(({ command, label, uid }) => `${command} (${label}, user ${uid})`);
  return {
    confined: reasons.length === 0,
    reasons,
    labels: labelsOf(alive),
    processes: alive.length,
    visitors: [...new Set(visitors)].sort(),
  };
}

/** Each piece of evidence of a running container. What cannot be told counts as wrong. */
export function checks(evidence: Evidence, expected: Expected): Check[] {
  const { label, idmap } = expected;
  const alive = evidence.processes.filter((p) => p.label !== "");
  const labels = labelsOf(alive);
  const inRange = (id: number) => id >= idmap.start && id < idmap.start + idmap.count; // not what could not be read
  const unmapped = alive.filter(({ uid }) => !inRange(uid));
  const grouped = alive.filter(({ groups }) => !groups.every(inRange));
  const shared = [...new Set(alive.flatMap((p) => p.shared))].sort();
  const all = alive.reduce((set, { bounding = 0n }) => set | bounding, 0n);
  const able = alive.filter(({ bounding = 0n }) => (bounding & WITHHELD) !== 0n);
  const check = (what: string, found: string, ...faults: string[]): Check => ({ what, found, faults });
  const faultIf = (is: boolean, fault: string) => (is ? [fault] : []);
  const map = (kind: string, entries: MapEntry[]) =>
    check(
      `${kind} map`,
      shown(entries),
      ...faultIf(!isMapped(entries, expected), `its ${kind}s are not mapped to ${range(expected)}: ${shown(entries)}`),
    );
  return [
    check(
      "kernel",
      evidence.enforcing ? "enforcing" : "not enforcing",
      ...faultIf(!evidence.enforcing, "SELinux is not enforcing: the kernel logs violations and allows them"),
    ),
    check(
      "policy",
      evidence.policy ? "asked" : "not asked",
      ...faultIf(
        typeOf(label) !== PROCESS_TYPE,
        `the declared type ${typeOf(label)} is not ${PROCESS_TYPE}, the one that is confined`,
      ),
      ...(evidence.policy ?? ["the kernel did not say what the policy lets it do"]),
    ),
    map("uid", evidence.uidMap),
    map("gid", evidence.gidMap),
    check(
      "labels",
      labels.join(", ") || "none",
      ...faultIf(alive.length === 0, "no process of it could be seen"),
      ...labels
        .filter((other) => other !== label)
        .map((other) => `not as ${label} but as ${other} runs ${some(alive.filter((p) => p.label === other))}`),
    ),
    check(
      "users",
      unmapped.length > 0 ? "some of the host" : `all of ${range(expected)}`,
      ...faultIf(
        unmapped.length > 0,
        `a user of the host outside of ${range(expected)} has ${some(unmapped, (p) => `${p.command} (${p.uid})`)}`,
      ),
    ),
    check(
      "groups",
      grouped.length > 0 ? "some of the host" : `all of ${range(expected)}`,
      ...faultIf(grouped.length > 0, `a group of the host outside of ${range(expected)} has ${some(grouped)}`),
    ),
    check(
      "namespaces",
      shared.length > 0 ? `the host's: ${shared.join(", ")}` : "all its own",
      ...shared.map(
        (name) => `the ${name} namespace of the host has ${some(alive.filter((p) => p.shared.includes(name)))}`,
      ),
    ),
    check(
      "capabilities",
      all.toString(16).padStart(16, "0"),
      ...faultIf(able.length > 0, `more capabilities than it was given has ${some(able)}`),
    ),
    // Its own files, bound to another place by itself, come and go.
    check(
      "mounts",
      evidence.mounts
        .filter((mount) => mount.type !== "overlay" || mount.target === "/" || mountFault(mount, expected))
        .map(({ type, target }) => `${type} at ${target}`)
        .join(", ") || "none",
      ...evidence.mounts.flatMap((mount) => mountFault(mount, expected) ?? []),
    ),
  ];
}

function labelsOf(processes: Process[]): string[] {
  return [...new Set(processes.map((p) => p.label))].sort();
}

/** What is wrong with a file system that it sees: its root has its own label and no usable device; others it can only read. */
function mountFault({ type, target, options }: Mount, { label }: Expected): string | undefined {
  if (type !== "overlay")
    return options.includes("ro") ? undefined : `it can write to a ${type} of the host at ${target}`;
  const level = label.split(":").slice(3).join(":");
  const context = `context="system_u:object_r:svirt_lxc_root_t:${level}"`;
  const isOwn = options.some((option) => option.replaceAll('"', "") === context.replaceAll('"', ""));
  if (!isOwn) return `its files at ${target} do not have its label`;
  return options.includes("nodev") ? undefined : `devices can be opened at ${target}`;
}

/** The type of a context. */
export function typeOf(label: string): string {
  return label.split(":")[2] ?? "";
}

function isMapped(map: MapEntry[], { idmap }: Expected): boolean {
  const [only] = map;
  return map.length === 1 && only?.inside === 0 && only.outside === idmap.start && only.count === idmap.count;
}

function range({ idmap }: Expected): string {
  return `${idmap.start}-${idmap.start + idmap.count - 1}`;
}

/** Commands, not process ids: a verdict is kept in state, and must be the same as long as nothing changes. */
function some(processes: Process[], told = ({ command }: Process) => command): string {
  const distinct = [...new Set(processes.map(told))].sort();
  return distinct.length > 5
    ? `${distinct.slice(0, 5).join(", ")} and ${distinct.length - 5} more`
    : distinct.join(", ");
}

function shown(map: MapEntry[]): string {
  return map.length === 0 ? "no map" : map.map((m) => `${m.inside}→${m.outside} (${m.count})`).join(", ");
}
