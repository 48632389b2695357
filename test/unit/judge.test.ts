import { type Evidence, type Expected, judge, type Process } from "../../provider/confinement/judge.ts";

const label = "system_u:system_r:svirt_lxc_sys_t:s0:c1,c513";
const idmap = { start: 1879113728, count: 65536 };
const map = [{ inside: 0, outside: idmap.start, count: idmap.count }];
const init: Process = { pid: 100, uid: idmap.start, label, command: "systemd" };
const sshd: Process = { pid: 101, uid: idmap.start, label, command: "sshd" };
const confined: Evidence = {
  enforcing: true,
  type: { name: "svirt_lxc_sys_t", permissive: false },
  uidMap: map,
  gidMap: map,
  processes: [init, sshd],
  visitors: [],
};
const as = (context: string): Evidence => ({ ...confined, processes: [init, { ...sshd, label: context }] });

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
  const shell: Process = { pid: 102, uid: 0, label: context, command: "bash" };
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
  [
    "a permissive type",
    { ...confined, type: { name: "svirt_lxc_sys_t", permissive: true } },
    /svirt_lxc_sys_t permissive/,
  ],
  ["a type of which the kernel says nothing", { ...confined, type: undefined }, /did not say/],
  ["no user map", { ...confined, uidMap: [] }, /uids are not mapped .*no map/],
  ["no group map", { ...confined, gidMap: [] }, /gids are not mapped/],
  [
    "root mapped to root",
    { ...confined, uidMap: [{ inside: 0, outside: 0, count: 4294967295 }] },
    /uids are not mapped/,
  ],
  ["a second range", { ...confined, uidMap: [...map, { inside: 65536, outside: 0, count: 1 }] }, /uids are not mapped/],
  [
    "a process of the host's root",
    { ...confined, processes: [init, { ...sshd, uid: 0 }] },
    /a user of the host outside .* has sshd \(0\)/,
  ],
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
