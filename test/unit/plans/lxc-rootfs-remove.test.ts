import { lxcRootfs } from "../../../provider/resources/lxc-rootfs/index.ts";
import { rootfsInputs } from "../../support/inputs.ts";
import { given, removals } from "../../support/plans.ts";
import { both, says, swap, without } from "../../support/recorded.ts";

const noMounts = says("@files\n@disks\n@mounts\n");
const killed = { mounts: noMounts, settings: says(""), domains: says("") };
const unmount = ["unmount-root", "disable-unit", "remove-unit", "reload-systemd"];
const rest = ["release-image", "remove-root", "free-slot 0"];

removals(lxcRootfs, rootfsInputs, [
  ["a running container's", {}, ["stop-container", ...unmount, ...rest]],
  [
    "a stopped container's",
    { host: { domains: swap("@domain yes running", "@domain yes shut off") } },
    [...unmount, ...rest],
  ],
  [
    "a domain on another root is let alone",
    { host: { domains: swap("roots/web/guest", "roots/db/guest") } },
    [...unmount, ...rest],
  ],
  ["the last claim on the image", { host: { ...killed, store: without(/LxcImage/) } }, ["remove-image", ...rest]],
  [
    "another stack's",
    {
      host: {
        store: both(swap("lab/LxcRootfs/web", "prod/LxcRootfs/web"), swap("lab%2FLxcRootfs", "prod%2FLxcRootfs")),
      },
    },
    [],
  ],
  [
    "the slot's record is damaged",
    { host: { store: swap(/(?<=slots\/0:).*/, "") } },
    ["stop-container", ...unmount, ...rest],
  ],
  [
    "the root's record is damaged",
    { host: { store: swap(/(?<=root\.json:).*/, "") } },
    ["stop-container", ...unmount, ...rest],
  ],
  [
    "the claim is damaged",
    { host: { store: swap(/(?<=LxcRootfs%2Fweb:).*/, "") } },
    ["stop-container", ...unmount, ...rest],
  ],
  ["its removal broke off", { host: { ...killed, store: swap("./roots/web:", "./roots/web.removed:") } }, rest],
  ["all is gone already", { host: { ...killed, store: says("") } }, []],

  // Removals and creates that were killed on the way.
  [
    "it is no longer mounted at boot already",
    { host: { mounts: swap("UnitFileState=enabled", "UnitFileState=disabled") } },
    ["stop-container", ...unmount.filter((id) => id !== "disable-unit"), ...rest],
  ],
  ["the unit is gone already", { host: killed }, rest],
  [
    "the unit is gone, and it is still mounted",
    { host: { ...killed, mounts: swap(/^.*(?=@disks)/s, "@files\n") } },
    ["unmount-root", ...rest],
  ],
  [
    "the image is given up already",
    { host: { ...killed, store: without(/LxcRootfs%2Fweb/) } },
    ["remove-root", "free-slot 0"],
  ],
  ["the root is gone already", { host: { ...killed, store: without(/roots\/web|LxcRootfs%2Fweb/) } }, ["free-slot 0"]],
  [
    "it had its image, and was not written down yet",
    { host: { ...killed, store: without(/roots\/web/) } },
    ["release-image", "free-slot 0"],
  ],
]);

test("a root of which no record can be read is not removed: whose it is cannot be told", () => {
  const host = { store: both(swap(/(?<=root\.json:).*/, ""), swap(/(?<=slots\/0:).*/, "null")) };
  const { observed, desired } = given(lxcRootfs, rootfsInputs, { host });
  expect(lxcRootfs.exists(observed, desired)).toBe(true);
  expect(() => lxcRootfs.remove(observed, desired)).toThrow(/roots\/web\/root\.json, slots\/0/);
});
