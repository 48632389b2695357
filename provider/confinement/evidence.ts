import type { Outcome, Read } from "../host/batch.ts";
import { parseOnce } from "../host/parse-once.ts";
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

/** What of a listing is the same for all containers of the host. */
const readListing = parseOnce((text) => {
  const lines = Map.groupBy(
    text.split("\n").map((line) => line.trim().split(/\s+/)),
    ([tag]) => tag,
  );
  const of = (tag: string) => (lines.get(tag) ?? []).map(([, ...fields]) => fields);
  const all = of("process").map(parseProcess);
  return {
    of,
    all,
    byPid: new Map(all.map((p) => [p.pid, p])),
    bounding: new Map(of("bounding").map(([pid, set]) => [Number(pid), BigInt(`0x${set}`)])),
  };
});

/** The evidence of one container, or undefined if libvirt runs none of that name. */
export function parseEvidence(
  outcome: Outcome,
  name: string,
  idmap: { start: number; count: number },
): Evidence | undefined {
  const { of, all, byPid, bounding } = readListing(outcome);
  const container = of("container").find(([n]) => n === name);
  if (!container) return undefined;
  const [, controller = 0, init = 0] = container.map(Number);

  const origin = (p: HostProcess) => originOf(p, byPid, { init, controller });
  const first = byPid.get(init);
  const scope = first && /^.*?\.scope/.exec(first.cgroup)?.[0];
  // Four ways to belong to it: a process that left one behind is still found by the others.
  const belongs = (p: HostProcess) =>
    p.pid !== controller &&
    (origin(p) === "init" ||
      (first !== undefined && p.pidns !== "-" && p.pidns === first.pidns) ||
      (scope !== undefined && p.cgroup.startsWith(scope)) ||
      (p.uid >= idmap.start && p.uid < idmap.start + idmap.count));

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
    mounts: of("mount")
      .filter(([n]) => n === name)
      .map(([, type = "", target = "", options = "", source = "", more = ""]) => ({
        ...{ type, target, source },
        options: [...options.split(","), ...more.split(/,(?=[a-z_-]+(?:=|,|$))/)],
      })),
    uidMap: of("uid_map")
      .filter(([n]) => n === name)
      .map(parseMap),
    gidMap: of("gid_map")
      .filter(([n]) => n === name)
      .map(parseMap),
    processes: all.filter((p) => belongs(p) && origin(p) !== "host").map(asProcess),
    visitors: all.filter((p) => belongs(p) && origin(p) === "host").map(asProcess),
  };
}

/** The first IPv4 address that a running container has on its interface. */
export function parseAddress(outcome: Outcome, name: string): string | undefined {
  const line = outcome.stdout.split("\n").find((l) => l.startsWith(`address ${name} `));
  return line && / inet ([\d.]+)\//.exec(line)?.[1];
}

/**
 * Is its interface in a bridge? A network that was stopped and started again leaves running containers out of it. Where it
 * cannot be told, since the container has no such interface any more, its address tells.
 */
export function parseAttached(outcome: Outcome, name: string): boolean {
  const lines = outcome.stdout.split("\n");
  const peer = lines.find((l) => l.startsWith(`peer ${name} `))?.split(" ")[2];
  return peer === undefined || lines.some((l) => l.startsWith(`veth ${peer}: `) && / master /.test(l));
}

type Namespace = (typeof NAMESPACES)[number];

interface HostProcess extends Omit<Process, "shared">, Descendant {
  pidns: string;
  cgroup: string;
  namespaces: Partial<Record<Namespace, string>>;
}

function parseProcess(fields: string[]): HostProcess {
  const [pid, uid, pidns = "-", parent, label = "-", cgroup = "", ...more] = fields;
  const [egid = "", supplementary = "", ...command] = more.splice(NAMESPACES.length);
  // ps prints "-" for what it could not read any more, and for no groups.
  return {
    groups: [egid, ...supplementary.split(",")].filter((group) => group !== "-").map(Number),
    namespaces: Object.fromEntries(NAMESPACES.map((name, i) => [name, more[i]])),
    pid: Number(pid),
    uid: Number(uid),
    pidns,
    parent: Number(parent),
    label: label === "-" ? "" : label,
    cgroup,
    command: command.join(" "),
  };
}

function parseMap([, inside, outside, count]: string[]): MapEntry {
  return { inside: Number(inside), outside: Number(outside), count: Number(count) };
}
