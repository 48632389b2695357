import { lxcRootfs } from "../../../provider/resources/lxc-rootfs.ts";
import { rootfsInputs } from "../../support/inputs.ts";
import { removals } from "../../support/plans.ts";
import { both, says, swap, without } from "../../support/recorded.ts";

const noMounts = says("@instances\n@mounts\n");
const killed = { mounts: noMounts, settings: says(""), domains: says("") };
const unmount = [
  "keeps it from being mounted at boot",
  "unmounts the root",
  "removes its unit",
  "has systemd forget it",
];
const rest = ["gives up the image", "removes the root", "frees slot 0"];

removals(lxcRootfs, rootfsInputs, [
  ["a running container's", {}, ["stops the container", ...unmount, ...rest]],
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
  ["the last claim on the image", { host: { ...killed, store: without(/LxcImage/) } }, ["removes the image", ...rest]],
  [
    "another stack's",
    {
      host: {
        store: both(swap("lab/LxcRootfs/web", "prod/LxcRootfs/web"), swap("lab%2FLxcRootfs", "prod%2FLxcRootfs")),
      },
    },
    [],
  ],
  ["all is gone already", { host: { ...killed, store: says("") } }, []],

  // Removals and creates that were killed on the way.
  [
    "it is no longer mounted at boot already",
    { host: { mounts: swap("UnitFileState=enabled", "UnitFileState=disabled") } },
    ["stops the container", ...unmount.slice(1), ...rest],
  ],
  ["the unit is gone already", { host: killed }, rest],
  [
    "the unit is gone, and it is still mounted",
    { host: { ...killed, mounts: swap(/^.*(?=@instances)/s, "") } },
    ["unmounts the root", ...rest],
  ],
  [
    "the image is given up already",
    { host: { ...killed, store: without(/LxcRootfs%2Fweb/) } },
    ["removes the root", "frees slot 0"],
  ],
  ["the root is gone already", { host: { ...killed, store: without(/roots\/web|LxcRootfs%2Fweb/) } }, ["frees slot 0"]],
  [
    "it had its image, and was not written down yet",
    { host: { ...killed, store: without(/roots\/web/) } },
    ["gives up the image", "frees slot 0"],
  ],
]);
