import type { AnyKind } from "../../../provider/engine/kind.ts";
import { libvirtService } from "../../../provider/resources/libvirt-service/index.ts";
import { lxcDomain } from "../../../provider/resources/lxc-domain/index.ts";
import { lxcImage } from "../../../provider/resources/lxc-image.ts";
import { lxcRootfs } from "../../../provider/resources/lxc-rootfs/index.ts";
import { selinuxPolicy } from "../../../provider/resources/selinux-policy.ts";
import { completeContainers, hasContainer, isPolicyStillNeeded } from "../../../provider/tools/containers.ts";
import { type Edit, type Edits, recorded, says, swap, without } from "../../support/recorded.ts";

// What destroy sweeps of a stack, on the recorded host with its one container: never one that is whole.
const swept = (edits: Edits) =>
  [lxcRootfs, lxcDomain].flatMap((kind) => kind.listOwned!(recorded(edits)).map(() => kind.token));

const rows: [name: string, edits: Edits, whole: string[], swept: string[]][] = [
  ["a whole container", {}, ["web"], []],
  ["a root without a domain: the run was killed in between", { domains: says("") }, [], ["LxcRootfs"]],
  ["a root whose domain uses another", { domains: swap(/roots\/web/g, "roots/db") }, [], ["LxcRootfs", "LxcDomain"]],
  ["a domain without its root, which went by the state", { store: without(/^\.\/(roots|slots)/) }, [], ["LxcDomain"]],
  ["a root that was not written down yet", { store: without(/^\.\/roots/), domains: says("") }, [], ["LxcRootfs"]],
];
test.each(rows)("%s", (_, edits, whole, expected) => {
  expect([...completeContainers(recorded(edits))]).toEqual(whole);
  expect(isPolicyStillNeeded(recorded(edits))).toBe(whole.length > 0);
  expect(swept(edits)).toEqual(expected);
});

test("while libvirt cannot tell, every root may be that of a container", () => {
  const down = new Map([...recorded(), ["domains", { exit: 69, stdout: "", stderr: "" }]]);
  expect([...completeContainers(down)]).toEqual(["web"]);
});

test("one that is to be kept remains, whatever is there of it", () => {
  const store = (text: string) => swap('"name":"web"}', '"name":"web","retain":true}')(without(/^\.\/roots/)(text));
  expect(isPolicyStillNeeded(recorded({ store }))).toBe(true);
});

test.each([libvirtService, lxcImage, selinuxPolicy] as AnyKind[])(
  "nor is what is shared swept, if it is to be kept: $token",
  (kind) => {
    const keep = new RegExp(`(?<=${kind.token}[^:]*:\\{)`);
    const owned = (store: Edit) => kind.listOwned!(recorded({ store, domains: says("") })).map(({ owner }) => owner);
    expect(owned((text) => text)).toEqual([expect.stringContaining(kind.token)]);
    expect(owned((text) => text.replace(keep, '"retain":true,').replace(",}", "}"))).toEqual([]);
  },
);

// The stack's other claims stand while its store is replaced.
test("what a stack claims is no orphan while a complete container of it is there", () => {
  const claims = (edits: Edits) =>
    [selinuxPolicy, libvirtService].flatMap((kind: AnyKind) => kind.listOwned!(recorded(edits)).map(() => kind.token));
  expect(claims({})).toEqual([]);
  expect(claims({ domains: says("") })).toEqual(["SelinuxPolicy", "LibvirtService"]);
  expect(hasContainer(recorded(), "svirt-lxc/lab@0a1b2c3d/SelinuxPolicy/lab")).toBe(false);
});
