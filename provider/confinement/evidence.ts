import type { Outcome, Read } from "../host/batch.ts";
import { parseOnce } from "../host/parse-once.ts";
import { IDS } from "../host/slot.ts";
import { OWN_INTERFACE } from "../tools/own-interface.ts";
import { sharedInspection } from "../tools/userns.ts";
import { ASK_POLICY, policyFaults } from "./ask-policy.ts";
import { type Evidence, type MapEntry, type Process, typeOf } from "./judge.ts";
import { type Descendant, originOf } from "./origin.ts";

/** Namespaces of which a container has its own. A control group namespace is its init's business (tools/init.ts). */
const NAMESPACES = ["ipc", "mnt", "net", "user", "uts"] as const;

/** File systems that are the kernel's, or in memory, and of which a mount is an instance, or nothing that could be written. */
const PSEUDO = ["tmpfs", "proc", "sysfs", "devpts", "mqueue", "ramfs", "cgroup2", "fuse"];

/**
 * Prints what the running LXC containers of a host are, as far as the kernel tells, tagged by section.
 * Of its interfaces only the one that libvirt made counts, and the first of its addresses: its root may make others.
 * Process ids come from libvirt's pid files (the controller) and from the controller's child (the container's init).
 * What the policy lets a container do is asked once for each type that containers run as: of its level, only that it is not another's counts.
 */
const GATHER = `
${sharedInspection}
${OWN_INTERFACE}
${ASK_POLICY}
echo "enforce $(cat /sys/fs/selinux/enforce 2>/dev/null)"
wanted=" $* "
asked_types=
for f in /run/libvirt/lxc/*.pid; do
  controller=$(cat "$f" 2>/dev/null) || continue
  name=\${f##*/}; name=\${name%.pid}
  case $name in *[!a-z0-9-]*) continue;; esac # not a name of ours, and not safe to print
  case $wanted in " * "|*" $name "*) ;; *) continue;; esac
  for init in $(cat "/proc/$controller/task/$controller/children" 2>/dev/null); do
    echo "container $name $controller $init"
    link=$(own_interface "$init")
    nsenter -t "$init" -n ip -o -4 addr show dev "$link" scope global 2>/dev/null | head -n 1 | sed "s/^/address $name /"
    nsenter -t "$init" -n ip -o link show dev "$link" 2>/dev/null | sed -n "s/^[^ ]* [^ ]*@if\\([0-9]*\\):.*/peer $name \\1/p"
    label=$(tr -d '\\0' <"/proc/$init/attr/current" 2>/dev/null)
    sed "s/^/uid_map $name /" "/proc/$init/uid_map" 2>/dev/null
    sed "s/^/gid_map $name /" "/proc/$init/gid_map" 2>/dev/null
    type=\${label#*:*:} type=\${type%%:*}
    case " $asked_types " in *" $type "*) ;; *)
      asked_types="$asked_types $type"
      ask_policy "$label" | sed "s/^/policy $type /" ;;
    esac
    sed -nE "/ - (${PSEUDO.join("|")}) /d; s/^([^ ]* ){4}([^ ]*) ([^ ]*) (.* )?- ([^ ]*) /mount $name \\5 \\2 \\3 /p" "/proc/$init/mountinfo" 2>/dev/null
  done
done
[ -z "$host_veths" ] || printf '%s\n' "$host_veths" | sed 's/^/veth /'
# All but kernel threads, which are children of process 2. Without a width, ps cuts control groups off.
ps --deselect -p 2 --ppid 2 -ww -o pid=,uid=,pidns=,ppid=,label=,cgroup:512=,${NAMESPACES.map((name) => `${name}ns=`).join(",")},egid=,supgid:4096=,comm= | sed 's/  */ /g; s/^ */process /'
grep -H '^CapBnd:' /proc/[0-9]*/status 2>/dev/null | sed -n 's,^/proc/\\([0-9]*\\)/status:CapBnd:[^0-9a-f]*\\([0-9a-f]*\\)$,bounding \\1 \\2,p'
:`;

/** Of one container at one moment, or of all with "*". Processes come and go by themselves. */
export function evidenceRead(name: string): Read {
  return { key: "evidence", argv: ["sh", "-c", GATHER, "sh"], of: [name], volatile: true };
}

/** Does the kernel enforce its policy? */
export function parseEnforcing(outcome: Outcome): boolean {
  return /^enforce 1$/m.test(outcome.stdout);
}

/** A listing, as the containers of the host are looked up in it. */
const readListing = parseOnce((text) => {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  const byTag = Map.groupBy(lines, ([tag]) => tag);
  const byName = Map.groupBy(lines, ([tag, name]) => `${tag} ${name}`);
  const of = (tag: string) => (byTag.get(tag) ?? []).map(([, ...fields]) => fields);
  const all = of("process").map(parseProcess);
  return {
    of,
    /** The lines of a container. */
    ofContainer: (tag: string, name: string) => (byName.get(`${tag} ${name}`) ?? []).map(([, , ...fields]) => fields),
    byPid: new Map(all.map((p) => [p.pid, p])),
    byParent: Map.groupBy(all, (p) => p.parent),
    byPidNamespace: Map.groupBy(all, (p) => p.pidns),
    byScope: Map.groupBy(all, scopeOf),
    byIds: Map.groupBy(all, (p) => Math.floor(p.uid / IDS)),
    bounding: new Map(of("bounding").map(([pid, set]) => [Number(pid), BigInt(`0x${set}`)])),
  };
});

/** The evidence of one container, or undefined if libvirt runs none of that name. */
export function parseEvidence(
  outcome: Outcome,
  name: string,
  idmap: { start: number; count: number },
): Evidence | undefined {
  const listing = readListing(outcome);
  const { of, ofContainer, byPid, bounding } = listing;
  const [container] = ofContainer("container", name);
  if (!container) return undefined;
  const [controller = 0, init = 0] = container.map(Number);

  const origin = (p: HostProcess) => originOf(p, byPid, { init, controller });
  const first = byPid.get(init);
  const isMapped = (p: HostProcess) => p.uid >= idmap.start && p.uid < idmap.start + idmap.count;
  // Four ways to belong to it: a process that left one behind is still found by the others.
  const found = new Set([
    ...(first ? [first] : []),
    ...descendants(init, listing.byParent).filter((p) => origin(p) === "init"),
    ...((first && first.pidns !== "-" && listing.byPidNamespace.get(first.pidns)) || []),
    ...((first && scopeOf(first) !== undefined && listing.byScope.get(scopeOf(first))) || []),
    ...between(idmap.start, idmap.start + idmap.count - 1)
      .flatMap((ids) => listing.byIds.get(ids) ?? [])
      .filter(isMapped),
  ]);
  const members = [...found].filter((p) => p.pid !== controller).sort((a, b) => a.line - b.line);

  const policy = of("policy")
    .filter(([type]) => type === typeOf(first?.label ?? ""))
    .map(([, ...answer]) => answer.join(" "));
  const host = byPid.get(1)?.namespaces;
  const asProcess = ({ pid, uid, label, command, groups, namespaces }: HostProcess): Process => ({
    ...{ pid, uid, label, command, groups },
    shared: NAMESPACES.filter((ns) => !host || namespaces[ns] === host[ns]),
    // In a user namespace of its own making it has all, over that one alone (user_namespaces(7)).
    ...(namespaces.user === first?.namespaces.user && { bounding: bounding.get(pid) }),
  });
  return {
    enforcing: of("enforce")[0]?.[0] === "1",
    policy: policyFaults(policy),
    mounts: ofContainer("mount", name).map(([type = "", target = "", options = "", source = "", more = ""]) => ({
      ...{ type, target, source },
      options: [...options.split(","), ...more.split(/,(?=[a-z_-]+(?:=|,|$))/)],
    })),
    uidMap: ofContainer("uid_map", name).map(parseMap),
    gidMap: ofContainer("gid_map", name).map(parseMap),
    processes: members.filter((p) => origin(p) !== "host").map(asProcess),
    visitors: members.filter((p) => origin(p) === "host").map(asProcess),
  };
}

/** The scope of systemd's that a process is in. */
function scopeOf({ cgroup }: HostProcess): string | undefined {
  return /^.*?\.scope/.exec(cgroup)?.[0];
}

/** The blocks of ids that a range touches. */
function between(first: number, last: number): number[] {
  const [from, to] = [Math.floor(first / IDS), Math.floor(last / IDS)];
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}

/** All below a process, by the parents that they have. */
function descendants(pid: number, byParent: ReadonlyMap<number, HostProcess[]>): HostProcess[] {
  const found = new Set<HostProcess>();
  const add = (parent: number) => {
    for (const child of byParent.get(parent) ?? [])
      if (!found.has(child)) {
        found.add(child);
        add(child.pid);
      }
  };
  add(pid);
  return [...found];
}

/** The first IPv4 address that a running container has on its interface. */
export function parseAddress(outcome: Outcome, name: string): string | undefined {
  const [line] = readListing(outcome).ofContainer("address", name);
  return line && / inet ([\d.]+)\//.exec(line.join(" "))?.[1];
}

/**
 * Is its interface in a bridge? A network that was stopped and started again leaves running containers out of it. Where it
 * cannot be told, since the container has no such interface any more, its address tells.
 */
export function parseAttached(outcome: Outcome, name: string): boolean {
  const { ofContainer } = readListing(outcome);
  const peer = ofContainer("peer", name)[0]?.[0];
  return peer === undefined || ofContainer("veth", `${peer}:`).some((veth) => veth.includes("master"));
}

type Namespace = (typeof NAMESPACES)[number];

interface HostProcess extends Omit<Process, "shared">, Descendant {
  /** Where it stands in the listing. */
  line: number;
  pidns: string;
  cgroup: string;
  namespaces: Partial<Record<Namespace, string>>;
}

function parseProcess(fields: string[], line: number): HostProcess {
  const [pid, uid, pidns = "-", parent, label = "-", cgroup = "", ...more] = fields;
  const [egid = "", supplementary = "", ...command] = more.splice(NAMESPACES.length);
  // ps prints "-" for what it could not read any more, and for no groups.
  return {
    groups: [egid, ...supplementary.split(",")].filter((group) => group !== "-").map(Number),
    namespaces: Object.fromEntries(NAMESPACES.map((name, i) => [name, more[i]])),
    line,
    pid: Number(pid),
    uid: Number(uid),
    pidns,
    parent: Number(parent),
    label: label === "-" ? "" : label,
    cgroup,
    command: command.join(" "),
  };
}

function parseMap([inside, outside, count]: string[]): MapEntry {
  return { inside: Number(inside), outside: Number(outside), count: Number(count) };
}
