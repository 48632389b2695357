import type { Outcome, Read } from "../host/batch.ts";
import { OWN_INTERFACE } from "../tools/own-interface.ts";
import { sharedInspection } from "../tools/userns.ts";
import { type Evidence, type MapEntry, type Process, typeOf } from "./judge.ts";
import { type Descendant, originOf } from "./origin.ts";

/**
 * Prints what the running LXC containers of a host are, as far as the kernel tells, tagged by section.
 * Of its interfaces only the one that libvirt made counts, and the first of its addresses: its root may make others.
 * Process ids come from libvirt's pid files (the controller) and from the controller's child (the container's init).
 * Whether a type is permissive is asked of the loaded policy itself: it is a flag of what selinuxfs `access` answers (AVD_FLAGS_PERMISSIVE in
 * security/selinux/include/security.h).
 */
const GATHER = `
${sharedInspection}
${OWN_INTERFACE}
echo "enforce $(cat /sys/fs/selinux/enforce 2>/dev/null)"
class=$(cat /sys/fs/selinux/class/process/index 2>/dev/null)
for f in /run/libvirt/lxc/*.pid; do
  controller=$(cat "$f" 2>/dev/null) || continue
  name=\${f##*/}; name=\${name%.pid}
  case $name in *[!a-z0-9-]*) continue;; esac # not a name of ours, and not safe to print
  for init in $(cat "/proc/$controller/task/$controller/children" 2>/dev/null); do
    echo "container $name $controller $init"
    link=$(own_interface "$init")
    nsenter -t "$init" -n ip -o -4 addr show dev "$link" scope global 2>/dev/null | head -n 1 | sed "s/^/address $name /"
    nsenter -t "$init" -n ip -o link show dev "$link" 2>/dev/null | sed -n "s/^[^ ]* [^ ]*@if\\([0-9]*\\):.*/peer $name \\1/p"
    label=$(tr -d '\\0' <"/proc/$init/attr/current" 2>/dev/null)
    sed "s/^/uid_map $name /" "/proc/$init/uid_map" 2>/dev/null
    sed "s/^/gid_map $name /" "/proc/$init/gid_map" 2>/dev/null
    # One open file: what is read answers what was written. The answer ends without a newline.
    { printf '%s %s %s' "$label" "$label" "$class" >&3; read -r answer <&3; echo "access $name $label $answer"; } \\
      3<>/sys/fs/selinux/access
  done
done
[ -z "$host_veths" ] || printf '%s\n' "$host_veths" | sed 's/^/veth /'
# All but kernel threads, which are children of process 2. Without a width, ps cuts control groups off.
ps --deselect -p 2 --ppid 2 -ww -o pid=,uid=,pidns=,ppid=,label=,cgroup:512=,comm= | sed 's/  */ /g; s/^ */process /'
`;

/** All of a host at one moment. Processes come and go by themselves. */
export const evidenceRead: Read = { key: "evidence", argv: ["sh", "-c", GATHER], volatile: true };

const AVD_PERMISSIVE = 1;

/** Does the kernel enforce its policy? */
export function parseEnforcing(outcome: Outcome): boolean {
  return /^enforce 1$/m.test(outcome.stdout);
}

/** The evidence of one container, or undefined if libvirt runs none of that name. */
export function parseEvidence(
  outcome: Outcome,
  name: string,
  idmap: { start: number; count: number },
): Evidence | undefined {
  const lines = outcome.stdout.split("\n").map((line) => line.trim().split(/\s+/));
  const of = (tag: string) => lines.filter(([t]) => t === tag).map(([, ...fields]) => fields);

  const container = of("container").find(([n]) => n === name);
  if (!container) return undefined;
  const [, controller = 0, init = 0] = container.map(Number);

  const all = of("process").map(parseProcess);
  const byPid = new Map(all.map((p) => [p.pid, p]));
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

  const [, asked = "", , , , , , flags] = of("access").find(([n]) => n === name) ?? [];
  return {
    enforcing: of("enforce")[0]?.[0] === "1",
    type:
      flags === undefined
        ? undefined
        : { name: typeOf(asked), permissive: (Number.parseInt(flags, 16) & AVD_PERMISSIVE) !== 0 },
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

interface HostProcess extends Process, Descendant {
  pidns: string;
  cgroup: string;
}

function asProcess({ pid, uid, label, command }: HostProcess): Process {
  return { pid, uid, label, command };
}

function parseProcess([pid, uid, pidns = "-", parent, label = "-", cgroup = "", ...command]: string[]): HostProcess {
  // ps prints "-" for what it could not read any more.
  return {
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
