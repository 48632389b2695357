import type { AnyKind } from "../../../provider/engine/kind.ts";
import { lifecycle, SCHEMA_VERSION } from "../../../provider/engine/lifecycle.ts";
import { libvirtService } from "../../../provider/resources/libvirt-service/index.ts";
import { lxcDomain } from "../../../provider/resources/lxc-domain/index.ts";
import { lxcImage } from "../../../provider/resources/lxc-image.ts";
import { lxcRootfs } from "../../../provider/resources/lxc-rootfs/index.ts";
import { selinuxEnforcing } from "../../../provider/resources/selinux-enforcing.ts";
import { selinuxPolicy } from "../../../provider/resources/selinux-policy.ts";
import {
  domainInputs,
  enforcingInputs,
  imageInputs,
  KEY,
  libvirtInputs,
  PASSWORD,
  policyInputs,
  rootfsInputs,
} from "../../support/inputs.ts";
import { stateOf } from "../../support/plans.ts";
import { type Edits, recorded, says, swap, without } from "../../support/recorded.ts";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const kinds: [kind: AnyKind, inputs: object][] = [
  [selinuxEnforcing, enforcingInputs],
  [selinuxPolicy, policyInputs],
  [libvirtService, libvirtInputs],
  [lxcImage, imageInputs],
  [lxcRootfs, rootfsInputs],
  [lxcDomain, domainInputs],
];

const state = (kind: AnyKind, inputs: object, host?: Edits) =>
  stateOf(kind, inputs, kind.parse(recorded(host), inputs));
const diff = (kind: AnyKind, inputs: object, news: object, olds = state(kind, inputs)) =>
  lifecycle(kind, [kind]).diff!("id", olds, { ...inputs, ...news });

/** "same", "update" or "replace". */
async function decision(kind: AnyKind, inputs: object, news: object, olds?: object): Promise<string> {
  const { changes, replaces } = await diff(kind, inputs, news, olds as ReturnType<typeof state>);
  return replaces!.length > 0 ? `replace: ${replaces}` : changes ? "update" : "same";
}

describe.each(kinds.map((row) => [row[0].token, ...row] as const))("%s", (_, kind, inputs) => {
  test("as it was", async () => {
    expect(await diff(kind, inputs, {})).toEqual({ changes: false, replaces: [], deleteBeforeReplace: true });
  });
  test("what Pulumi adds, and undefined properties, do not count", async () => {
    expect(await decision(kind, inputs, { __provider: "today's", rebuild: undefined })).toBe("same");
  });
  test("another way to the host is an update, with nothing to do there", async () => {
    const connection = { ssh: "elsewhere" };
    expect(await decision(kind, inputs, { connection })).toBe("update");
    expect(kind.plan(kind.parse(recorded(), inputs), { ...inputs, connection }, inputs)).toEqual([]);
  });
  test("a way to the host that is not known yet is an update at most", async () => {
    expect(await decision(kind, inputs, { connection: UNKNOWN })).toBe("update");
    expect(await decision(kind, inputs, { connection: { ssh: UNKNOWN } })).toBe("update");
  });
  test("another owner is an update", async () => {
    expect(await decision(kind, inputs, { owner: "p/s/K/renamed" })).toBe("update");
  });
  test("state of a newer release is refused, before the host is asked", async () => {
    const newer = { ...state(kind, inputs), schemaVersion: SCHEMA_VERSION + 1 };
    const { diff, read, delete: remove, update } = lifecycle(kind, [kind]);
    const refused = /written by a newer release.*\n\s+remedy: install the release/;
    await expect(diff!("id", newer, inputs)).rejects.toThrow(refused);
    await expect(read!("id", newer)).rejects.toThrow(refused);
    await expect(remove!("id", newer)).rejects.toThrow(refused);
    await expect(update!("id", newer, inputs)).rejects.toThrow(refused);
  });
});

type Row = [change: object, decision: string];
const rows = (kind: AnyKind, inputs: object, table: Row[]) =>
  test.each(table)(`${kind.token}: %j is: %s`, async (change, expected) => {
    expect(await decision(kind, inputs, change)).toBe(expected);
  });

rows(libvirtService, libvirtInputs, [
  [{ network: "prod" }, "replace: network"],
  [{ subnet: "10.1.0.0/24" }, "replace: subnet"],
  [{ subnet6: "fd42::/64" }, "update"],
  [{ network: UNKNOWN }, "replace: network"],
]);

rows(lxcImage, imageInputs, [
  [{ sha256: "0".repeat(64) }, "replace: sha256"],
  [{ sha256: UNKNOWN }, "replace: sha256"],
  [{ archive: "elsewhere.tar" }, "update"],
  [{ archive: undefined, hostArchive: "/srv/base.tar" }, "update"],
]);

// A hostname edit must never preview as the container's replacement; and an image that was built anew is for those who ask.
rows(lxcRootfs, rootfsInputs, [
  [{ image: "0".repeat(64) }, "same"],
  [{ image: UNKNOWN }, "same"],
  [{ hostname: "www" }, "update"],
  [{ hostname: UNKNOWN }, "update"],
  [{ authorizedKeys: [KEY, KEY] }, "update"],
  [{ authorizedKeys: [KEY, UNKNOWN] }, "update"],
  [{ authorizedKeys: undefined }, "update"],
  [{ rootPassword: PASSWORD }, "update"],
  [{ rootPassword: UNKNOWN }, "update"],
  [{ dhcp: false }, "update"],
  [{ subnet6: "fd42::/64" }, "update"],
  [{ units: ["nginx.service"] }, "update"],
  [{ rebuild: "1" }, "replace: rebuild"],
  [{ rebuild: UNKNOWN }, "replace: rebuild"],
  [{ name: "www" }, "replace: name"],
  [{ image: UNKNOWN, rebuild: "1" }, "replace: rebuild"],
]);

rows(lxcDomain, domainInputs, [
  [{ memory: "1GiB" }, "update"],
  [{ memory: "524288KiB" }, "update"],
  [{ memory: UNKNOWN }, "update"],
  [{ label: UNKNOWN }, "update"],
  [{ idmap: UNKNOWN }, "update"],
  [{ idmap: { start: UNKNOWN, count: 65536 } }, "update"],
  [{ path: UNKNOWN }, "update"],
  [{ address: UNKNOWN }, "update"],
  [{ revision: UNKNOWN }, "update"],
  [{ network: UNKNOWN }, "update"],
  [{ awaitPort: undefined }, "update"],
  [{ label: UNKNOWN, idmap: UNKNOWN, path: UNKNOWN, address: UNKNOWN, revision: UNKNOWN }, "update"],
  [{ rootfs: UNKNOWN }, "replace: rootfs"],
  [{ rootfs: "web/another" }, "replace: rootfs"],
  [{ name: "www" }, "replace: name"],
  [{ rootfs: UNKNOWN, label: UNKNOWN }, "replace: rootfs"],
]);

const drifts: [name: string, kind: AnyKind, inputs: object, host: Edits][] = [
  ["SELinux is permissive", selinuxEnforcing, enforcingInputs, { selinux: swap("enforce 1", "enforce 0") }],
  ["the module is another one", selinuxPolicy, policyInputs, { policy: swap(/^module \w+/m, "module other") }],
  ["libvirt's network is stopped", libvirtService, libvirtInputs, { networks: swap(/Active:( +)yes/, "Active:$1no") }],
  ["the image is gone", lxcImage, imageInputs, { store: without(/image\.json/) }],
  ["the root is not mounted", lxcRootfs, rootfsInputs, { mounts: swap("=active", "=failed"), settings: says("") }],
  ["the host name is another one", lxcRootfs, rootfsInputs, { settings: swap("hostname:web", "hostname:x") }],
  ["the container is stopped", lxcDomain, domainInputs, { domains: swap("yes running", "yes shut off") }],
  ["it is not confined", lxcDomain, domainInputs, { evidence: swap("enforce 1", "enforce 0") }],
];
test.each(drifts)("drift that a refresh left in state: %s", async (_, kind, inputs, host) => {
  expect(await decision(kind, inputs, {}, state(kind, inputs, host))).toBe("update");
});

test("a password that was set is no change; another one is", async () => {
  const inputs = { ...rootfsInputs, rootPassword: PASSWORD };
  const observed = lxcRootfs.parse(recorded(), inputs as never);
  const note = lxcRootfs.plan(observed, inputs as never).find((s) => s.id === "record-password")!;
  const { passwordHash } = JSON.parse(note.stdin!);
  const olds = stateOf(lxcRootfs as AnyKind, inputs, { ...observed, passwordHash });
  expect(olds.secretObservation).toEqual({ passwordHash });
  expect(JSON.stringify(olds.observed)).not.toContain(passwordHash);
  expect(await decision(lxcRootfs, inputs, {}, olds)).toBe("same");
  expect(await decision(lxcRootfs, inputs, { rootPassword: "x" }, olds)).toBe("update");
});

test("a state that was written before an input existed: its default is no difference, what is asked for is one", async () => {
  const { tasks: _, restart: __, ...former } = state(lxcDomain, domainInputs);
  expect(await decision(lxcDomain, domainInputs, {}, former)).toBe("same");
  expect(await decision(lxcDomain, domainInputs, { tasks: 100 }, former)).toBe("update");
});
