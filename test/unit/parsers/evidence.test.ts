import { parseAddress, parseEvidence } from "../../../provider/confinement/evidence.ts";
import type { Evidence } from "../../../provider/confinement/judge.ts";
import { USERLAND } from "../../../provider/tools/capabilities.ts";
import { domainInputs } from "../../support/inputs.ts";
import { added, both, type Edit, recordedOutcome, says, swap, without } from "../../support/recorded.ts";

const { label, idmap } = domainInputs;
const parse = (edit?: Edit, name = "web") => parseEvidence(recordedOutcome("evidence", edit), name, idmap);
const pids = (edit?: Edit) => parse(edit)!.processes.map((p) => p.pid);
const recorded = parse()!;
const own = [...recordedOutcome("evidence").stdout.matchAll(/^process (\d+) .*:svirt_lxc_sys_t:/gm)].map(([, pid]) =>
  Number(pid),
);
const map = [{ inside: 0, outside: 1879048192, count: 65536 }];

/** A process as ps shows it; by default one of the host, whose parent has ended meanwhile. */
const process = (
  pid: number,
  { uid = 0, pidns = "4026531836", parent = 9999, context = "a:b:c:s0", cgroup = "/system.slice/x" } = {},
) => added(`process ${pid} ${uid} ${pidns} ${parent} ${context} 0::${cgroup} 1 2 3 4 5 ${uid} - sh`);
const scope =
  "/machine.slice/machine-svirt\\x2dlxc.slice/machine-svirt\\x2dlxc-web.slice/machine-lxc\\x2d6432\\x2dweb.scope";

test("the recorded container: all of its processes, and not libvirt's controller", () => {
  expect(recorded).toMatchObject({
    enforcing: true,
    policy: [],
    uidMap: map,
    gidMap: map,
  });
  expect(pids()).toEqual(own);
  expect(recorded.processes[0]).toEqual({
    pid: 6437,
    uid: 1879048192,
    label,
    command: "systemd",
    groups: [1879048192],
    shared: [],
    bounding: BigInt(`0x${USERLAND}`),
  });
  expect(recorded.mounts).toEqual([
    {
      type: "overlay",
      target: "/",
      source: "svirt-lxc-web",
      options: expect.arrayContaining([
        "nodev",
        `context="${label.replace("system_r:svirt_lxc_sys_t", "object_r:svirt_lxc_root_t")}"`,
      ]),
    },
  ]);
  expect(new Set(recorded.processes.map((p) => p.label))).toEqual(new Set([label]));
});

const none: [name: string, edit: Edit | undefined, container: string][] = [
  ["no such container", undefined, "db"],
  ["a name that begins alike", undefined, "we"],
  ["a name that it begins", undefined, "web2"],
  ["nothing runs", without(/^container/), "web"],
  ["nothing at all", says(""), "web"],
];
test.each(none)("no evidence: %s", (_, edit, name) => {
  expect(parse(edit, name)).toBeUndefined();
});

// Any of these makes it one of ours, so that to leave the others is no escape.
const belonging: [name: string, edit: Edit, belongs: boolean][] = [
  ["its control group alone", process(7000, { cgroup: `${scope}/libvirt/x` }), true],
  ["the scope itself", process(7000, { cgroup: scope }), true],
  ["its process namespace alone", process(7000, { pidns: "4026532278" }), true],
  ["a user of its range alone", process(7000, { uid: 1879048192 }), true],
  ["the last user of its range", process(7000, { uid: 1879113727 }), true],
  ["the first user of the next range", process(7000, { uid: 1879113728 }), false],
  ["the last user before its range", process(7000, { uid: 1879048191 }), false],
  ["nothing of it, but its label", process(7000, { context: label }), false],
  ["another container's control group", process(7000, { cgroup: scope.replaceAll("web", "db") }), false],
  ["no control group any more", process(7000, { cgroup: "" }), false],
];
test.each(belonging)("a process with %s", (_, edit, belongs) => {
  expect(pids(edit).includes(7000)).toBe(belongs);
  expect(pids(edit).filter((pid) => pid !== 7000)).toEqual(own);
  expect(parse(edit)!.visitors).toEqual([]);
});

// 6729 is somebody's shell on the host, 6432 the controller, 6437 the init, 6608 its sshd.
const visitor = { parent: 6729, pidns: "4026532278", uid: 1879048192, context: "unconfined_u:r:unconfined_t:s0" };
const origins: [name: string, edit: Edit, processes: number[], visitors: number[]][] = [
  ["an administrator's shell inside", process(7000, visitor), [], [7000]],
  ["the same, with root of the host", process(7000, { ...visitor, uid: 0 }), [], [7000]],
  ["the same, in the container's control group", process(7000, { ...visitor, cgroup: scope }), [], [7000]],
  ["one that was sent in with the container's label", process(7000, { ...visitor, context: label }), [], [7000]],
  [
    "what that shell has started",
    both(process(7000, visitor), process(7001, { ...visitor, parent: 7000 })),
    [],
    [7000, 7001],
  ],
  [
    "what a shell that has ended left behind: the init is its parent",
    process(7000, { ...visitor, parent: 6437 }),
    [7000],
    [],
  ],
  [
    "what came in by a daemon that process 1 of the host started",
    process(7000, { ...visitor, parent: 4144 }),
    [],
    [7000],
  ],
  ["what came in and has lost its parent on the host", process(7000, { ...visitor, parent: 1 }), [], [7000]],
  ["what was started from outside of all that is seen", process(7000, { ...visitor, parent: 0 }), [], [7000]],
  ["a child of one of its services that shows nothing else of it", process(7000, { parent: 6608 }), [7000], []],
  ["a grandchild of it", both(process(7000, { parent: 6608 }), process(7001, { parent: 7000 })), [7000, 7001], []],
  ["another child of the controller, inside", process(7000, { ...visitor, parent: 6432 }), [7000], []],
  ["another child of the controller, on the host", process(7000, { parent: 6432, uid: 0 }), [], []],
  ["a user of its range on the host", process(7000, { parent: 6729, uid: 1879048192 }), [], [7000]],
  [
    "ids that were used again: two processes that are each other's parent",
    both(process(7000, { ...visitor, parent: 7001 }), process(7001, { ...visitor, parent: 7000 })),
    [7000, 7001],
    [],
  ],
];
test.each(origins)("where it came from: %s", (_, edit, processes, visitors) => {
  expect(pids(edit).filter((pid) => pid >= 7000)).toEqual(processes);
  expect(parse(edit)!.visitors.map((p) => p.pid)).toEqual(visitors);
});

test("what could not be read of a process that ended is not guessed", () => {
  const vanished = added(
    "process 7000 1879048192 - 9999 - - - - - - - 1879048192 - sh",
    "process 7001 0 - 9999 - - - - - - - 0 - sh",
  );
  expect(parse(vanished)!.processes.at(-1)).toMatchObject({ pid: 7000, uid: 1879048192, label: "", command: "sh" });
  expect(pids(vanished)).not.toContain(7001);
});

test("an init whose process namespace could not be read takes no process of the host along", () => {
  const edit = both(
    swap(/^(process 6437 \d+) \d+/m, "$1 -"),
    added("process 7001 0 - 1 a:b:c:s0 0::/system.slice/x 1 2 3 4 5 0 - sh"),
  );
  expect(pids(edit)).toEqual(own);
});

test("a container whose init ended while it was read: only the users tell", () => {
  expect(pids(without(/^process 6437 /))).toEqual(own.slice(1));
});

test("a command of many words, and an endless control group", () => {
  const long = `${scope}/libvirt/${"x".repeat(500)}`;
  const edit = added(`process 7000 1879048192 4026532278 6437 ${label} 0::${long} 1 2 3 4 5 1879048192 - tmux: server`);
  expect(parse(edit)!.processes.at(-1)).toMatchObject({ pid: 7000, uid: 1879048192, label, command: "tmux: server" });
});

const changes: [name: string, edit: Edit, change: Partial<Evidence>][] = [
  ["permissive mode", swap("enforce 1", "enforce 0"), { enforcing: false }],
  ["a kernel that does not say its mode", swap("enforce 1", "enforce "), { enforcing: false }],
  [
    "a question that was answered with yes",
    swap(
      "policy svirt_lxc_sys_t asked",
      "policy svirt_lxc_sys_t the policy lets it fly: a b c\npolicy svirt_lxc_sys_t asked",
    ),
    { policy: ["the policy lets it fly: a b c"] },
  ],
  ["the same, of another type", added("policy spc_t the policy lets it fly: a b c"), {}],
  ["the kernel was not asked", without(/^policy/), { policy: undefined }],
  ["an asking that broke off", swap(/^(policy \S+) asked.*$/m, "$1 the policy lets it fly"), { policy: undefined }],
  [
    "a disk of the host",
    added("mount web ext4 /srv rw,relatime /dev/vda1 rw"),
    {
      mounts: [
        ...recorded.mounts,
        { type: "ext4", target: "/srv", source: "/dev/vda1", options: ["rw", "relatime", "rw"] },
      ],
    },
  ],
  ["no user map", without(/^uid_map/), { uidMap: [] }],
  ["no group map", without(/^gid_map/), { gidMap: [] }],
  ["two ranges", added("uid_map web 65536 0 1"), { uidMap: [...map, { inside: 65536, outside: 0, count: 1 }] }],
];
test.each(changes)("%s", (_, edit, change) => {
  expect(parse(edit)).toEqual({ ...recorded, ...change });
});

/** Another container, as it is gathered before ours. */
const beside =
  (name: string): Edit =>
  (text) =>
    text.replace(
      "container web ",
      [
        `container ${name} 371 379`,
        `address ${name} 9: eth0    inet 192.168.122.7/24 scope global eth0`,
        `uid_map ${name}          0          0 4294967295`,
        `gid_map ${name}          0          0 4294967295`,
        "policy virtd_lxc_t the policy lets it fly: a b c",
        `mount ${name} ext4 / rw /dev/vda1 rw`,
        "container web ",
      ].join("\n"),
    );

// Names that are none of ours are not even gathered (evidence-gather.test.ts).
const others = ["db", "web2", "web-2", "we", "eb", "0", "container"];
test.each(others)("someone's container %s beside ours", (name) => {
  expect(parse(beside(name))).toEqual(recorded);
  expect(parseAddress(recordedOutcome("evidence", beside(name)), "web")).toBe("10.213.0.2");
});

const addresses: [name: string, edit: Edit | undefined, container: string, address: string | undefined][] = [
  ["its own", undefined, "web", "10.213.0.2"],
  ["none of another container", undefined, "db", undefined],
  ["none yet", without(/^address/), "web", undefined],
  ["the first of two", added("address web 9: eth0    inet 10.213.0.99/20 scope global eth0"), "web", "10.213.0.2"],
];
test.each(addresses)("address: %s", (_, edit, container, address) => {
  expect(parseAddress(recordedOutcome("evidence", edit), container)).toBe(address);
});
