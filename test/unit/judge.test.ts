import { auditText } from "../../provider/audit.ts";
import {
  checks,
  type Evidence,
  type Expected,
  judge,
  type Mount,
  type Process,
} from "../../provider/confinement/judge.ts";

const label = "system_u:system_r:svirt_lxc_sys_t:s0:c1,c513";
const idmap = { start: 1879113728, count: 65536 };
const map = [{ inside: 0, outside: idmap.start, count: idmap.count }];
const own = { uid: idmap.start, label, groups: [idmap.start], shared: [], bounding: 0b11n };
const init: Process = { ...own, pid: 100, command: "systemd" };
const sshd: Process = { ...own, pid: 101, command: "sshd" };
const root: Mount = {
  type: "overlay",
  target: "/",
  source: "svirt-lxc-web",
  options: ["rw", "nodev", 'context="system_u:object_r:svirt_lxc_root_t:s0:c1,c513"'],
};
const confined: Evidence = {
  enforcing: true,
  policy: [],
  uidMap: map,
  gidMap: map,
  mounts: [root],
  processes: [init, sshd],
  visitors: [],
};
const withSshd = (more: Partial<Process>): Evidence => ({ ...confined, processes: [init, { ...sshd, ...more }] });
const as = (context: string) => withSshd({ label: context });
const withMount = (more: Partial<Mount>): Evidence => ({ ...confined, mounts: [root, { ...root, ...more }] });

test("a container whose every process has its label and a mapped user is confined", () => {
  expect(judge(confined, { label, idmap })).toEqual({
    confined: true,
    reasons: [],
    labels: [label],
    processes: 2,
    visitors: [],
  });
});

test("who came in from outside is named, and is no process of the container", () => {
  const context = "unconfined_u:unconfined_r:unconfined_t:s0";
  const shell: Process = { ...sshd, pid: 102, uid: 0, label: context, command: "bash" };
  const gone: Process = { ...shell, label: "", command: "nsenter" };
  const visitors = [shell, { ...shell, pid: 103, uid: idmap.start, command: "apt" }, shell, gone];
  expect(judge({ ...confined, visitors }, { label, idmap })).toEqual({
    confined: true,
    reasons: [],
    labels: [label],
    processes: 2,
    visitors: [`apt (${context}, user ${idmap.start})`, `bash (${context}, user 0)`],
  });
});

/** One row for each way to be unconfined: the evidence, what was expected, and a word of the reason. */
const ways: [name: string, evidence: Evidence, reason: RegExp, expected?: Partial<Expected>][] = [
  [
    "libvirt's own type, as without a seclabel",
    as("system_u:system_r:virtd_lxc_t:s0"),
    /as .*virtd_lxc_t:s0 runs sshd/,
  ],
  ["the unconfined container type", as("system_u:system_r:spc_t:s0"), /as .*spc_t:s0 runs sshd/],
  ["an unconfined login", as("unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023"), /as .*unconfined_t.* runs sshd/],
  ["a kernel without labels", as("kernel"), /as kernel runs sshd/],
  [
    "another container's pair",
    as("system_u:system_r:svirt_lxc_sys_t:s0:c2,c514"),
    /not as .*c1,c513 but as .*c2,c514 runs sshd/,
  ],
  ["no pair", as("system_u:system_r:svirt_lxc_sys_t:s0"), /as .*svirt_lxc_sys_t:s0 runs sshd/],
  [
    "another type declared",
    as("system_u:system_r:spc_t:s0:c1,c513"),
    /declared type spc_t/,
    { label: "system_u:system_r:spc_t:s0:c1,c513" },
  ],
  ["permissive mode", { ...confined, enforcing: false }, /not enforcing/],
  ["a policy that was opened", { ...confined, policy: ["the policy lets it fly"] }, /lets it fly/],
  ["a policy of which the kernel says nothing", { ...confined, policy: undefined }, /did not say/],
  ["a group of the host", withSshd({ groups: [idmap.start, 4] }), /a group of the host outside of .* has sshd/],
  ["groups that could not be read", withSshd({ groups: [Number.NaN] }), /a group of the host/],
  ["the host's network", withSshd({ shared: ["net"] }), /the net namespace of the host has sshd/],
  ["more capabilities", withSshd({ bounding: 1n << 16n }), /more capabilities .* has sshd/],
  ["a root without its label", withMount({ options: ["rw", "nodev"] }), /files at \/ do not have its label/],
  [
    "another container's root",
    withMount({ target: "/mnt", options: ["nodev", "context=system_u:object_r:svirt_lxc_root_t:s0:c2,c514"] }),
    /files at \/mnt do not have its label/,
  ],
  ["a root with usable devices", withMount({ options: [root.options[2]!] }), /devices can be opened at \//],
  [
    "a disk of the host",
    withMount({ type: "ext4", target: "/srv", options: ["rw"] }),
    /write to a ext4 of the host at \/srv/,
  ],
  ["no user map", { ...confined, uidMap: [] }, /uids are not mapped .*no map/],
  ["no group map", { ...confined, gidMap: [] }, /gids are not mapped/],
  [
    "root mapped to root",
    { ...confined, uidMap: [{ inside: 0, outside: 0, count: 4294967295 }] },
    /uids are not mapped/,
  ],
  ["a second range", { ...confined, uidMap: [...map, { inside: 65536, outside: 0, count: 1 }] }, /uids are not mapped/],
  ["a process of the host's root", withSshd({ uid: 0 }), /a user of the host outside .* has sshd \(0\)/],
  ["no process at all", { ...confined, processes: [] }, /no process/],
  [
    "only processes that ended while they were read",
    { ...confined, processes: [{ ...init, label: "" }] },
    /no process/,
  ],
];

test.each(ways)("%s is unconfined", (_, evidence, reason, expected = {}) => {
  const verdict = judge(evidence, { label, idmap, ...expected });
  expect(verdict.confined).toBe(false);
  expect(verdict.reasons.join("\n")).toMatch(reason);
});

test("a process that ended while it was read does not count", () => {
  const evidence = { ...confined, processes: [init, { ...sshd, label: "", uid: 0 }] };
  expect(judge(evidence, { label, idmap })).toMatchObject({ confined: true, processes: 1 });
});

const harmless: [name: string, evidence: Evidence][] = [
  ["a user namespace of its own making, over which it has all", withSshd({ bounding: undefined })],
  ["a folder of the host that it can only read", withMount({ type: "ext4", target: "/srv", options: ["ro", "rw"] })],
];
test.each(harmless)("%s is confined", (_, evidence) => {
  expect(judge(evidence, { label, idmap }).reasons).toEqual([]);
});

test("each piece of evidence is told, and the one that is wrong with its fault", () => {
  const good = checks(confined, { label, idmap });
  expect(good.flatMap(({ faults }) => faults)).toEqual([]);
  const bad = checks(withSshd({ shared: ["net"] }), { label, idmap });
  expect(bad.filter(({ faults }) => faults.length > 0)).toEqual([
    { what: "namespaces", found: "the host's: net", faults: ["the net namespace of the host has sshd"] },
  ]);
  const of = { host: "alpha", container: "web" };
  expect(auditText([{ ...of, confined: true, checks: good }])).toMatch(
    /^web on alpha: confined\n {2}✓ kernel +enforcing\n/,
  );
  const text = auditText([{ ...of, confined: false, checks: bad }]);
  expect(text).toMatch(/^web on alpha: NOT CONFINED\n/);
  expect(text).toMatch(/\n {2}✗ namespaces +the host's: net\n {4}the net namespace of the host has sshd\n/);
});
