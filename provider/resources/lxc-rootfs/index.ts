import type * as pulumi from "@pulumi/pulumi";
import { deniedTo } from "../../confinement/denials.ts";
import { differences } from "../../engine/adopt.ts";
import type { Kind } from "../../engine/kind.ts";
import { HostResource } from "../../engine/resource.ts";
import type { Read } from "../../host/batch.ts";
import { DAMAGED, damageOf } from "../../host/records.ts";
import { type IdMap, idMapOf, levelOf } from "../../host/slot.ts";
import { parseStore, readableSlots, storeRead } from "../../host/store.ts";
import { completeContainers } from "../../tools/containers.ts";
import { domainsRead } from "../../tools/domains.ts";
import { isWholeImage } from "../../tools/images.ts";
import { bytesOf, diskNotices, diskProblem, formatDisk, SHRINK_REMEDY, spaceRead } from "../../tools/root-disk.ts";
import { mountedRoot, mountsRead } from "../../tools/root-mount.ts";
import { actualSettings, settingsRead } from "../../tools/root-settings.ts";
import { hashPassword, type Inputs, type LxcRootfsArgs, schema } from "./inputs.ts";
import { claimedImage, foundIn, isUnlisted, type Observed, observe, processLabel, writtenIn } from "./observed.ts";
import { plan, remove, wantedDisk, withAddress6 } from "./plan.ts";
import { isUnknownOwner, lostRecords } from "./records.ts";

export type { LxcRootfsArgs } from "./inputs.ts";

interface Outputs {
  slot: number;
  label: string;
  idmap: IdMap;
  path: string;
  hostKey: string;
  revision: number;
}

export const lxcRootfs: Kind<Inputs, Observed, Outputs> = {
  token: "LxcRootfs",
  schema,
  hostName: ({ name }) => name,
  id: ({ name }, observed) => `${name}/${observed?.instance ?? "unfinished"}`,
  secretObservation: ["passwordHash", "files"],
  replaces: ["name", "rebuild"],
  createOnly: ["image", "adopt"],

  reads: (name) => [storeRead, uuidRead(name), spaceRead, mountsRead(name), settingsRead(name), domainsRead(name)],
  parse: observe,

  // One whose owner cannot be told is not gone.
  exists: (observed, { owner }) => observed.owner === owner || isUnknownOwner(observed),
  existing(observed, desired) {
    const { owner, settings, passwordHash } = observed;
    if (owner === undefined && !observed.made) return undefined;
    const unlike = () => {
      const { drift: _, ...there } = this.actualInputs(observed, desired);
      const found = differences(there, desired);
      if (settings === undefined) found.push("its settings cannot be told: it is not mounted");
      if (desired.rootPassword !== undefined && hashPassword(desired.rootPassword, desired.name) !== passwordHash)
        found.push("rootPassword: another one was set");
      return found;
    };
    const lost = owner === undefined && lostRecords(observed, desired.name);
    const what = `the host has a container root ${desired.name}`;
    return { what: lost ? `${what}, without ${lost.join(", ")} that can be read,` : what, owner, differences: unlike };
  },
  precondition(observed, desired, prior) {
    const { host, unreadable, made, record, retain, rebuild, disk } = observed;
    // It was left there, with its data, instead of being deleted: by retainOnDelete, or since somebody took it out of the state.
    if (!prior && made && record === "readable" && (retain || host!.whole) && rebuild !== desired.rebuild) {
      return {
        code: "root-would-be-lost",
        what: `the root ${desired.name} is there already, and a rebuild would lose what it holds`,
        why: retain ? "it is to stay (retainOnDelete)" : "a container stands on it",
        remedy: `set rebuild back (${rebuild === undefined ? "it was not given" : `it was ${rebuild}`}) and run \`pulumi up\`, which takes it back as it is; then change rebuild, without retainOnDelete`,
      };
    }
    if (unreadable) {
      return {
        code: "settings-unreadable",
        what: `the settings of the root ${desired.name} could not be read whole`,
        remedy: `see what fills etc/hostname or etc/systemd/system in it, or what slows the host; it lies in ${mountedRoot(desired.name)}`,
      };
    }
    if (!made && !isWholeImage(host!.store, desired.image)) {
      return {
        code: "image-missing",
        what: `the host has no image ${desired.image}`,
        remedy: "make it first: an LxcImage on the same host, whose sha256 is the input image",
      };
    }
    return diskProblem({
      name: desired.name,
      recorded: record === "readable",
      disk,
      wanted: wantedDisk(observed, desired),
      space: host!.space,
    });
  },
  notices: ({ made, host }) => (made ? diskNotices(host!.space) : []),

  plan,
  remove,
  afterFailure: (_, observed) => (observed?.slot === undefined ? undefined : deniedTo(levelOf(observed.slot))),

  listOwned(results) {
    const store = parseStore(results.get("store")!);
    const whole = completeContainers(results);
    const dispensable = readableSlots(store).filter((slot) => !slot.retain && !whole.has(slot.name));
    return dispensable.map(({ owner, name }) => {
      const record = store.roots.get(name);
      // Of a root that was killed before it was written down, its claim tells.
      const image = (record !== DAMAGED && record?.image) || claimedImage(store, owner) || NO_IMAGE;
      return schema.omit({ connection: true }).parse({ owner, name, image });
    });
  },

  outputs({ slot, settings, revision }, { name }) {
    return {
      slot: slot!,
      label: processLabel(slot!),
      idmap: idMapOf(slot!),
      path: mountedRoot(name),
      hostKey: settings?.hostKey ?? "",
      revision,
    };
  },
  actualInputs(observed, inputs) {
    const { unreadable, image } = observed;
    const { users, files } = inputs;
    const found = foundIn(observed);
    return {
      drift: lostRecords(observed, inputs.name)?.map(damageOf),
      image: image ?? inputs.image,
      ...actualDisk(observed, inputs),
      ...(unreadable && { hostname: "(cannot be read)" }),
      ...(found && actualSettings(found, withAddress6(inputs, observed.slot), writtenIn(observed))),
      ...(isUnlisted(observed) && { users, files }),
    };
  },
  resolve: {
    needs: ["units", "mask"],
    async run(inputs, olds) {
      const both = inputs.units?.filter((unit) => inputs.mask?.includes(unit)) ?? [];
      const failures = both.map((unit) => ({
        property: "mask",
        reason: `has ${unit}, which units enables: take it off one of the two`,
      }));
      const isSameRoot = inputs.name === olds.name && inputs.rebuild === olds.rebuild;
      if (inputs.disk && olds.disk && isSameRoot && bytesOf(inputs.disk) < bytesOf(olds.disk))
        failures.push({
          property: "disk",
          reason: `cannot shrink from ${olds.disk} to ${inputs.disk}: ${SHRINK_REMEDY}`,
        });
      return { inputs, failures };
    },
  },
};

/** The disk as an input, where it is one, or is not what it is to be. */
function actualDisk(observed: Observed, inputs: Inputs): Pick<Inputs, "disk"> {
  const { file, mounted } = observed.disk;
  const wanted = wantedDisk(observed, inputs);
  const sizes = [file, mounted].filter((size) => size !== undefined && size !== wanted);
  return sizes.length === 0 ? {} : { disk: formatDisk(Math.max(...sizes.map(Number))) };
}

/** For each root a number that no other one has: the kernel makes one at each look (random(4)). */
const uuidRead = (name: string): Read => ({
  key: "uuid",
  argv: ["sh", "-c", 'for name; do read -r uuid </proc/sys/kernel/random/uuid && echo "$name $uuid"; done', "sh"],
  of: [name],
  volatile: true,
});

/** Of a root that was killed before it claimed one. */
const NO_IMAGE = "0".repeat(64);

/**
 * The root file system of one container: an overlay on an image, with the container's own SELinux label, its own range of ids,
 * and a disk of its own for what it writes, for the price of four mounts. A systemd unit mounts it, now and after every boot, and only while SELinux is enforcing.
 * Settings are written while the container is stopped; a running one is stopped for it, and started again by its LxcDomain.
 */
export class LxcRootfs extends HostResource {
  /** The host-unique number from which label, ids and address follow. */
  declare readonly slot: pulumi.Output<number>;
  /** The context of the container's processes. */
  declare readonly label: pulumi.Output<string>;
  declare readonly idmap: pulumi.Output<IdMap>;
  /** The mounted root, on the host. */
  declare readonly path: pulumi.Output<string>;
  /** The public half of its ssh host key, made on the host. */
  declare readonly hostKey: pulumi.Output<string>;
  /** Counts the changes that a running container does not have yet. */
  declare readonly revision: pulumi.Output<number>;

  constructor(name: string, args: LxcRootfsArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = ["slot", "label", "idmap", "path", "hostKey", "revision"];
    super(
      "LxcRootfs",
      name,
      { retain: opts?.retainOnDelete, ...args },
      outputs,
      ["rootPassword", "secretObservation"],
      opts,
    );
  }
}
