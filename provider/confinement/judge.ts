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
  /** The capabilities that it may have over its user namespace, a bit each; absent of one that was started without a limit of them. */
  capabilities?: bigint;
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

/** Whether every process of a container is confined as declared. What cannot be told counts as unconfined. */
export function judge(evidence: Evidence, expected: Expected): Verdict {
  const alive = evidence.processes.filter((p) => p.label !== "");
  const labels = [...new Set(alive.map((p) => p.label))].sort();
  const reasons: string[] = [];

  if (!evidence.enforcing) reasons.push("SELinux is not enforcing: the kernel logs violations and allows them");
  if (typeOf(expected.label) !== PROCESS_TYPE) {
    reasons.push(`the declared type ${typeOf(expected.label)} is not ${PROCESS_TYPE}, the one that is confined`);
  }
  reasons.push(...(evidence.policy ?? ["the kernel did not say what the policy lets it do"]));
  for (const [kind, map] of [
    ["uid", evidence.uidMap],
    ["gid", evidence.gidMap],
  ] as const) {
    if (!isMapped(map, expected)) reasons.push(`its ${kind}s are not mapped to ${range(expected)}: ${shown(map)}`);
  }
  if (alive.length === 0) reasons.push("no process of it could be seen");
  for (const label of labels.filter((l) => l !== expected.label)) {
    const who = alive.filter((p) => p.label === label).map((p) => p.command);
    reasons.push(`not as ${expected.label} but as ${label} runs ${some(who)}`);
  }
  const { start, count } = expected.idmap;
  const unmapped = alive.filter(({ uid }) => uid < start || uid >= start + count);
  if (unmapped.length > 0)
    reasons.push(
      `a user of the host outside of ${range(expected)} has ${some(unmapped.map((p) => `${p.command} (${p.uid})`))}`,
    );
  const inRange = (id: number) => id >= start && id < start + count; // not what could not be read
  const grouped = alive.filter(({ groups }) => !groups.every(inRange));
  if (grouped.length > 0)
    reasons.push(`a group of the host outside of ${range(expected)} has ${some(grouped.map((p) => p.command))}`);
  for (const name of [...new Set(alive.flatMap(({ shared }) => shared))].sort())
    reasons.push(
      `the ${name} namespace of the host has ${some(alive.filter((p) => p.shared.includes(name)).map((p) => p.command))}`,
    );
  const { capabilities } = expected;
  const able = capabilities === undefined ? [] : alive.filter(({ bounding = 0n }) => (bounding & ~capabilities) !== 0n);
  if (able.length > 0) reasons.push(`more capabilities than it was given has ${some(able.map((p) => p.command))}`);
  reasons.push(...evidence.mounts.flatMap((mount) => mountFault(mount, expected) ?? []));
  const visitors = evidence.visitors
    .filter((p) => p.label !== "")
    .map(({ command, label, uid }) => `${command} (${label}, user ${uid})`);
  return {
    confined: reasons.length === 0,
    reasons,
    labels,
    processes: alive.length,
    visitors: [...new Set(visitors)].sort(),
  };
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
function some(commands: string[]): string {
  const distinct = [...new Set(commands)].sort();
  return distinct.length > 5
    ? `${distinct.slice(0, 5).join(", ")} and ${distinct.length - 5} more`
    : distinct.join(", ");
}

function shown(map: MapEntry[]): string {
  return map.length === 0 ? "no map" : map.map((m) => `${m.inside}→${m.outside} (${m.count})`).join(", ");
}
