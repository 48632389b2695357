import type { Step } from "../../../provider/host/batch.ts";
import { lxcRootfs } from "../../../provider/resources/lxc-rootfs/index.ts";
import { listedUnit } from "../../support/disk.ts";
import { IMAGE, PASSWORD, rootfsInputs } from "../../support/inputs.ts";
import { type Case, given, idsOf } from "../../support/plans.ts";
import { added, recordedOutcome, says, swap, without } from "../../support/recorded.ts";

// What matters in the steps of a root besides that they are there.

type Inputs = Parameters<typeof lxcRootfs.plan>[1];
const nothing = {
  store: without(/roots\/web|slots\/0|LxcRootfs/),
  mounts: says("@files\n@disks\n@mounts\n"),
  settings: says(""),
  domains: says(""),
};
const planOf = (case_: Case<Inputs>): Step[] => {
  const { observed, desired, prior } = given(lxcRootfs, rootfsInputs as Inputs, case_);
  return lxcRootfs.plan(observed, desired, prior);
};
const step = (case_: Case<Inputs>, id: string): Step => planOf(case_).find((s) => idsOf([s])[0] === id)!;
const record = (s: Step) => JSON.parse(s.stdin!);

test("a slot and an image are written down before they are taken, and a root when its folders are there", () => {
  const written = planOf({ host: nothing }).filter((s) => s.argv.at(-1)!.startsWith("/var/lib/svirt-lxc/"));
  expect(written.slice(0, 3).map((s) => [s.argv.at(-1), record(s)])).toEqual([
    ["/var/lib/svirt-lxc/slots/0", { owner: "svirt-lxc/lab/LxcRootfs/web", name: "web" }],
    [`/var/lib/svirt-lxc/claims/image-${IMAGE}/svirt-lxc%2Flab%2FLxcRootfs%2Fweb`, {}],
    [
      "/var/lib/svirt-lxc/roots/web/root.json",
      {
        owner: "svirt-lxc/lab/LxcRootfs/web",
        instance: "11111111-2222-4333-8444-555555555555",
        slot: 0,
        image: IMAGE,
        revision: 0,
        units: [],
        masks: [],
        users: [],
        files: [],
        seeded: {},
        disk: "4GiB",
      },
    ],
  ]);
});

test("the unit of a root is the one that was recorded", () => {
  const unit = step({ host: { mounts: swap("-o 'nodev,", "-o '") } }, "write-unit");
  expect(unit.argv.at(-1)).toBe("/etc/systemd/system/svirt-lxc-root-web.service");
  expect(recordedOutcome("mounts").stdout).toContain(`@files\n${listedUnit("web", unit.stdin!)}@disks`);
});

const slots: [name: string, slots: string[], slot: number, ids: string, level: string][] = [
  ["the first slot", [], 0, "1879048192:65536", "c0,c512"],
  ["the second", ["0"], 1, "1879113728:65536", "c1,c512"],
  ["the lowest free one", ["0", "1", "3"], 2, "1879179264:65536", "c2,c512"],
  ["one whose record is damaged is taken", ["0", "1:", "3"], 2, "1879179264:65536", "c2,c512"],
  ["one whose record is lost is taken by its root", ["1", "root"], 2, "1879179264:65536", "c2,c512"],
];
test.each(slots)("%s, and the ids and the label that follow from it", (_, taken, slot, ids, level) => {
  const root = `./roots/db/root.json:${JSON.stringify({ ...record(step({ host: nothing }, "record-root")), owner: "o" })}`;
  const lines = taken.map((n) =>
    n === "root" ? root : `./slots/${n}${n.endsWith(":") ? "" : `:{"owner":"o","name":"n${n}"}`}`,
  );
  const host = { ...nothing, store: (text: string) => added(...lines)(nothing.store(text)) };
  expect(planOf({ host })[0]).toMatchObject({ id: "take-slot", subject: String(slot) });
  const { stdin } = step({ host }, "write-unit");
  expect(stdin).toContain(`X-mount.idmap=b:0:${ids} `);
  expect(stdin).toContain(`context="system_u:object_r:svirt_lxc_root_t:s0:${level}"`);
});

test("a change counts the revision before it is made, and the outputs tell it on", () => {
  const change = { wants: { hostname: "www" } };
  expect(record(step(change, "count-revision"))).toMatchObject({ slot: 0, image: IMAGE, revision: 2 });
  const { observed, desired } = given(lxcRootfs, rootfsInputs as Inputs, {});
  expect(lxcRootfs.outputs(observed, desired)).toEqual({
    slot: 0,
    label: "system_u:system_r:svirt_lxc_sys_t:s0:c0,c512",
    idmap: { start: 1879048192, count: 65536 },
    path: "/var/lib/svirt-lxc/roots/web/guest/root",
    hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICDn2hUxkD6ONZE3S6faPv1aMB/7gKx+i7DF+FHj7ah4",
    revision: 1,
  });
});

describe("the root password", () => {
  const wants = { rootPassword: PASSWORD };
  const noted = record(step({ wants }, "record-password"));
  const knows = { store: swap('"revision":1,', `"revision":2,"passwordHash":"${noted.passwordHash}",`) };

  test("goes by standard input, as it is", () => {
    expect(step({ wants }, "set-password").stdin).toBe(PASSWORD);
  });
  test("is noted by a slow hash only, beside the revision that was counted", () => {
    expect(noted).toMatchObject({ revision: 2, passwordHash: expect.stringMatching(/^[\w+/]{43}=$/) });
    const others = planOf({ wants }).filter((s) => s.id !== "set-password");
    expect(JSON.stringify(others)).not.toContain(JSON.stringify(PASSWORD).slice(1, -1));
  });
  test("that was set is not set again", () => {
    expect(planOf({ wants, host: knows })).toEqual([]);
  });
  test("that is declared no more is left alone", () => {
    expect(planOf({ host: knows })).toEqual([]);
  });
  test("that changed is set", () => {
    const steps = planOf({ wants: { rootPassword: "another" }, host: knows });
    expect(idsOf(steps)).toContain("set-password");
  });
  test("of another container is another hash", () => {
    const other = { wants: { ...wants, name: "db", owner: "svirt-lxc/lab/LxcRootfs/db" } };
    expect(record(step(other, "record-password")).passwordHash).not.toBe(noted.passwordHash);
  });
});

test("what a refresh names", () => {
  const host = {
    settings: (text: string) =>
      swap(/hostname:web/, "hostname:other")(without(/authorized_keys|systemd-networkd\.service/)(text)),
  };
  const wants = { units: ["ssh.service", "nginx.service"] };
  const { observed, desired } = given(lxcRootfs, rootfsInputs as Inputs, { host, wants });
  expect(lxcRootfs.actualInputs(observed, desired)).toEqual({
    image: IMAGE,
    hostname: "other",
    authorizedKeys: [],
    dhcp: false,
    units: ["ssh.service"],
  });
});
