import { z } from "zod";
import { otherClaims, parseStore, type Store } from "../../../provider/host/store.ts";
import { IMAGE } from "../../support/inputs.ts";
import { added, type Edit, MODULE, MODULE_VERSION, recordedOutcome, says } from "../../support/recorded.ts";

const parse = (edit?: Edit) => parseStore(recordedOutcome("store", edit));
const plain = ({ slots, claims, images, roots }: Store) => ({
  slots: Object.fromEntries(slots),
  claims: Object.fromEntries(
    [...claims].map(([thing, owners]) => [
      thing,
      Object.fromEntries([...owners].map(([owner, text]) => [owner, JSON.parse(text)])),
    ]),
  ),
  images: Object.fromEntries(images),
  roots: Object.fromEntries(roots),
});

test("the recorded store", () => {
  const hosts = "127.0.1.1 web.svirt-lxc.internal web";
  const instance = "df5413cb-8944-4492-ba21-0f9b280efa46";
  const seeded = { identity: true, hosts, resolver: "nameserver 10.213.0.1\nsearch svirt-lxc.internal\n" };
  expect(plain(parse())).toEqual({
    slots: { 0: { owner: "svirt-lxc/lab/LxcRootfs/web", name: "web" } },
    claims: {
      [`image-${IMAGE}`]: { "svirt-lxc/lab/LxcImage/lab.base": {}, "svirt-lxc/lab/LxcRootfs/web": {} },
      libvirt: { "svirt-lxc/lab/LibvirtService/lab": { network: "svirt-lxc", subnet: "10.213.0.0/20" } },
      policy: { "svirt-lxc/lab/SelinuxPolicy/lab": { sha256: MODULE, version: MODULE_VERSION } },
    },
    images: { [IMAGE]: { sha256: IMAGE } },
    roots: {
      web: {
        owner: "svirt-lxc/lab/LxcRootfs/web",
        instance,
        slot: 0,
        image: IMAGE,
        revision: 1,
        ...{ units: [], masks: [], users: [], files: [] },
        seeded,
        disk: "4GiB",
      },
    },
  });
});

test("no store, as before anything was made", () => {
  expect(plain(parse(says("")))).toEqual({ slots: {}, claims: {}, images: {}, roots: {} });
});

test("slots are numbers, and values may hold colons and slashes", () => {
  const store = parse(added('./slots/4092:{"owner":"a:b/c","name":"x"}', './slots/10:{"owner":"o","name":"y"}'));
  expect([...store.slots.keys()].sort((a, b) => a - b)).toEqual([0, 10, 4092]);
  expect(store.slots.get(4092)).toEqual({ owner: "a:b/c", name: "x" });
});

test("what is no record of ours is passed over", () => {
  const store = parse(added("nonsense", "", "./no colon"));
  expect(plain(store)).toEqual(plain(parse()));
});

test("who else uses a thing", () => {
  const other = (owner: string) => [...otherClaims(parse(), `image-${IMAGE}`, z.object({}), owner).keys()];
  expect(other("svirt-lxc/lab/LxcRootfs/web")).toEqual(["svirt-lxc/lab/LxcImage/lab.base"]);
  expect(other("someone")).toHaveLength(2);
  expect(otherClaims(parse(), "nothing", z.object({}), "someone").size).toBe(0);
});
