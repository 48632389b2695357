import { scryptSync } from "node:crypto";
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { PROCESS_TYPE } from "../confinement/judge.ts";
import { differences } from "../engine/adopt.ts";
import { equalAsJson } from "../engine/check.ts";
import type { Kind } from "../engine/kind.ts";
import { type Args, HostResource } from "../engine/resource.ts";
import type { Read, Step, StepName } from "../host/batch.ts";
import { HostError } from "../host/errors.ts";
import { DAMAGED, damageOf, removeRecord, writeRecord } from "../host/records.ts";
import { freeSlot, type IdMap, idMapOf, levelOf } from "../host/slot.ts";
import {
  parseStore,
  type RootRecord,
  readableSlots,
  type Slot,
  type Store,
  storeRead,
  takenSlots,
} from "../host/store.ts";
import { completeContainers } from "../tools/containers.ts";
import { parseDomainXml } from "../tools/domain-xml.ts";
import {
  claimImage,
  imageClaim,
  imageClaimPath,
  imageClaims,
  isHalfRemoved,
  isWholeImage,
  releaseImage,
  removeFolder,
  removeRest,
} from "../tools/images.ts";
import {
  bytesOf,
  createDisk,
  DEFAULT_DISK,
  type Disk,
  diskNotices,
  diskProblem,
  diskSchema,
  formatDisk,
  growDisk,
  parseSpace,
  SHRINK_REMEDY,
  type Space,
  spaceRead,
} from "../tools/root-disk.ts";
import {
  createFolders,
  imageOf,
  layersFolder,
  type MountState,
  mountedRoot,
  mountRoot,
  mountsRead,
  parseMounts,
  removeRootUnit,
  rootUnit,
  slotOf,
  unitName,
  unmountRoot,
  writeRootUnit,
} from "../tools/root-mount.ts";
import type { fileSchema } from "../tools/root-settings/files.ts";
import { identityStep } from "../tools/root-settings/identity.ts";
import { wantedSeeds } from "../tools/root-settings/names.ts";
import type { Seeded, Written } from "../tools/root-settings/setting.ts";
import {
  actualSettings,
  type FoundSettings,
  isUnreadable,
  parseSettings,
  passwordStep,
  settingInputs,
  settingsRead,
  settingsSteps,
} from "../tools/root-settings.ts";
import { address6Of } from "../tools/subnet6.ts";
import { domainsRead, parseDomains, stopGracefully } from "../tools/virsh.ts";
import { adopt, common, containerNameSchema, retain } from "./common.ts";

const schema = z.strictObject({
  ...common,
  retain,
  adopt,
  /** Name on the host, unique there. */
  name: containerNameSchema,
  /** sha256 of an image on the same host. A container keeps the image that it was made from until it is rebuilt. */
  image: z.string().regex(/^[0-9a-f]{64}$/, "must be the sha256 of an LxcImage"),
  /** Change it to have the root made anew from the image: everything that was written into it is lost. */
  rebuild: z.string().optional(),
  /** Password of root inside. Set when it is declared or changed; one that was changed inside is left alone. */
  rootPassword: z
    .string()
    .min(1)
    .regex(/^[^\n\0]*$/, "must be one line")
    .optional(),
  /**
   * The most that it may write, in its root altogether: a whole number of MiB or GiB, such as 10GiB. It has an inode for each
   * 16 KiB of it. The host must have that much to promise: its free space, less what other roots may still write, and less 5 %.
   * It can grow while the container runs, and not shrink. Without it, a root is made with 4GiB, and stays as it was made.
   *
   * @default 4GiB
   */
  disk: diskSchema.optional(),
  ...settingInputs,
});
type Inputs = z.output<typeof schema>;

interface Observed {
  owner?: string;
  /** Tells this root from an earlier one of the same name. */
  instance?: string;
  /** Its folders are there. */
  made: boolean;
  /** Of its folders' record. Without it, what the host tells otherwise and what was declared stand for it. */
  record: "readable" | "damaged" | "missing";
  slot?: number;
  image?: string;
  rebuild?: string;
  revision: number;
  /** Units that were asked for until now: to be enabled, and masked. */
  units: string[];
  masks?: string[];
  /** Users and files that were declared, and of which a look tells. */
  listed: Pick<RootRecord, "users" | "files">;
  seeded: Seeded;
  /** What holds what it writes; a root of an earlier release has none, and no limit. */
  disk?: Disk;
  /** The size of it that was recorded. */
  recordedDisk?: string;
  claimsImage: boolean;
  /** The record of its slot is there, and can be read. */
  hasSlot: boolean;
  retain: boolean;
  /** Something is left of an earlier one whose removal broke off. */
  halfRemoved: boolean;
  /** Something is mounted as its root, by its unit or not. */
  occupied: boolean;
  /** The unit is the one that this release writes for the slot and image. */
  unit: "current" | "outdated" | "missing";
  mounted: boolean;
  /** To systemd; someone may have unmounted it nevertheless. */
  active: boolean;
  enabled: boolean;
  settings?: Omit<FoundSettings, "files">;
  /** The files that were declared. Secret in state: a digest lets one try what a short secret may be. */
  files?: FoundSettings["files"];
  /** It is mounted, and what it is set to cannot be told: somebody fills it with what is no setting. */
  unreadable?: boolean;
  /** Which password was set, told by a slow hash. Secret in state. */
  passwordHash?: string;
  host?: {
    store: Store;
    /** For the instance of a root that is made. */
    uuid: string;
    space: Space;
    /** Running domains on this root: of others' making, and so not in state. */
    users: string[];
    /** A domain stands on it, running or not. */
    whole: boolean;
  };
}

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

  reads: (name) => [storeRead, uuidRead, spaceRead, mountsRead(name), settingsRead(name), domainsRead],
  parse(results, { name, owner }) {
    const store = parseStore(results.get("store")!);
    const recorded = store.roots.get(name);
    const record = recorded === DAMAGED ? undefined : recorded;
    const [number, reserved] =
      [...store.slots].find((entry): entry is [number, Slot] => entry[1] !== DAMAGED && entry[1].name === name) ?? [];
    const mount = parseMounts(results.get("mounts")!, name);
    const made = mount.folders;
    const domains = [...parseDomains(results.get("domains")!)].map(([n, d]) => ({
      n,
      ...d,
      is: parseDomainXml(d.xml),
    }));
    const standing = domains.find((d) => d.is.root === mountedRoot(name));
    const running = domains.filter((d) => d.liveXml && parseDomainXml(d.liveXml).root === mountedRoot(name));

    const whose = record?.owner ?? reserved?.owner;
    const slot =
      record?.slot ?? (reserved?.owner === owner ? number : whose === undefined ? slotOf(mount.unit ?? "") : undefined);
    const inferred = made && !record ? (imageOf(mount.unit ?? "") ?? claimedImage(store, whose)) : undefined;
    const image = record?.image ?? inferred;
    const found = parseSettings(results.get("settings")!, name);
    return {
      owner: whose,
      instance: record?.instance,
      made,
      record: record ? "readable" : recorded === DAMAGED ? "damaged" : "missing",
      slot,
      image,
      rebuild: record?.rebuild,
      revision: record?.revision ?? (made ? standing?.is.revision : undefined) ?? 0,
      units: record?.units ?? [],
      masks: record?.masks,
      listed: { users: record?.users, files: record?.files },
      // Of an earlier root whose files are gone it tells nothing about the next one. One that a domain stands on had an identity.
      seeded: (made && (record ? record.seeded : standing && { identity: true })) || {},
      passwordHash: record?.passwordHash,
      disk: mount.disk,
      recordedDisk: record?.disk,
      claimsImage: image !== undefined && whose !== undefined && imageClaim(store, image, whose) !== undefined,
      hasSlot: reserved !== undefined,
      retain: reserved?.retain ?? false,
      halfRemoved: isHalfRemoved(store, folderOf(name)),
      unit: unitState(mount, name, slot, image),
      mounted: isMounted(mount, slot),
      active: mount.active,
      occupied: mount.label !== undefined || mount.disk?.mounted !== undefined,
      enabled: mount.enabled,
      settings: found && withoutFiles(found),
      files: found?.files,
      unreadable: isUnreadable(results.get("settings")!, name) || undefined,
      host: {
        store,
        uuid: results.get("uuid")!.stdout.trim(),
        space: parseSpace(results.get("space")!),
        users: running.map((d) => d.n),
        whole: standing !== undefined,
      },
    };
  },

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
    return diskProblem({ name: desired.name, made, disk, wanted: wantedDisk(observed, desired), space: host!.space });
  },
  notices: ({ made, disk, host }) => diskNotices({ made, disk, space: host!.space }),

  plan(observed, desired, prior) {
    const { name, owner } = desired;
    const steps: Step[] = [];
    const slot = observed.slot ?? freeSlot(observed.host ? takenSlots(observed.host.store) : []);
    const image = observed.image ?? desired.image;
    // Another owner that was not refused is our own former name.
    const renamed = observed.owner !== undefined && observed.owner !== owner;
    const idmap = idMapOf(slot);
    const known = observed.record === "readable" ? observed : asDeclared(observed, prior);
    const { seeded, passwordHash } = known;
    const hash = desired.rootPassword === undefined ? passwordHash : hashPassword(desired.rootPassword, name);
    const lists = listsOf(desired);
    const size = wantedDisk(observed, desired);
    const record: RootRecord = {
      owner,
      instance: observed.instance ?? observed.host?.uuid ?? "",
      slot,
      image,
      rebuild: desired.rebuild,
      revision: observed.revision,
      ...lists,
      // What is asked for no more is forgotten when it is undone.
      units: union(desired.units, known.units),
      masks: nonEmpty(union(desired.mask ?? [], known.masks ?? [])),
      seeded,
      passwordHash,
      disk: size === undefined ? undefined : formatDisk(size),
    };
    let noted: Lists = { units: known.units, masks: known.masks, ...known.listed };
    const note = (stepName: StepName, more: Partial<RootRecord> = {}) => {
      Object.assign(record, more);
      const { units, masks, users, files } = record;
      noted = { units, masks, users, files };
      steps.push(writeRecord(stepName, recordPath(name), record));
    };

    // What it takes of the host is written down before it is taken.
    if (!observed.hasSlot || renamed || observed.retain !== desired.retain) {
      steps.push(
        writeRecord({ id: "take-slot", subject: String(slot), title: `Taking slot ${slot}` }, `slots/${slot}`, {
          owner,
          name,
          retain: desired.retain || undefined,
        }),
      );
    }
    if (!observed.claimsImage || renamed) steps.push(claimImage(image, owner, renamed ? observed.owner : undefined));
    if (observed.halfRemoved) steps.push(removeRest(folderOf(name)));
    // The record comes last: with it, the folders are whole.
    if (!observed.made || observed.record === "missing") steps.push(createFolders(name, idmap));
    if (!observed.made) steps.push(createDisk(layersFolder(name), size!));
    if (!observed.made || observed.record !== "readable" || renamed || observed.rebuild !== desired.rebuild)
      note({ id: "record-root", title: "Recording the root" });
    // Others count with it from now on.
    else if (observed.recordedDisk !== record.disk)
      note({ id: "record-disk", title: "Recording the size of the disk" });

    const remount = observed.unit !== "current" || !observed.mounted;
    // What an unmounted root holds is not known before it is mounted; a new one holds nothing.
    const unseen = observed.made && observed.settings === undefined;
    const wanted = isUnlisted(observed) ? { ...desired, users: undefined, files: undefined } : desired;
    const settings = unseen
      ? []
      : settingsSteps({ name, idmap }, foundIn(observed), withAddress6(wanted, slot), writtenIn(known));
    const setPassword = hash !== passwordHash;
    const restart = remount || settings.length > 0 || setPassword || (!unseen && !seeded.identity);

    if (restart) {
      steps.push(...(observed.host?.users ?? []).map(stopGracefully));
      // Before the change: a domain that started on the old settings must not pass for one of the new ones.
      if (observed.made) {
        note(
          { id: "count-revision", title: "Counting the revision of the settings" },
          { revision: record.revision + 1 },
        );
      }
    }
    if (remount) {
      if (observed.active || observed.occupied) steps.push(...unmount(observed, name));
      if (observed.unit !== "current")
        steps.push(...writeRootUnit({ name, image, idmap, label: rootLabel(slot), hasDisk: size !== undefined }));
      steps.push(mountRoot(name));
    }
    const { file = size, mounted: limit = size } = observed.disk ?? {};
    if (size !== undefined && Math.min(file!, limit!) < size) steps.push(growDisk(layersFolder(name), size));
    if (!observed.enabled) {
      steps.push({
        id: "enable-unit",
        title: "Enabling the mount of the root at boot",
        argv: ["systemctl", "enable", unitName(name)],
      });
    }
    // It is recorded at once: a run that breaks off later does not make another one.
    if (!unseen && !seeded.identity) {
      steps.push(identityStep(name, idmap, image));
      note(
        { id: "record-identity", title: "Recording that the identity is the container's own" },
        { seeded: { identity: true } },
      );
    }
    steps.push(...settings);
    const seeds = wantedSeeds(desired, seeded);
    if (!unseen && !equalAsJson([noted, seeded], [lists, seeds]))
      note({ id: "record-settings", title: "Recording the settings that were written" }, { ...lists, seeded: seeds });
    if (setPassword && desired.rootPassword !== undefined) {
      steps.push(passwordStep(name, idmap, desired.rootPassword));
      note({ id: "record-password", title: "Recording which password was set" }, { passwordHash: hash });
    }
    return steps;
  },

  remove(observed, inputs) {
    const { name, owner } = inputs;
    const { slot, image, host } = observed;
    if (isUnknownOwner(observed)) {
      throw new HostError({
        code: "owner-unknown",
        what: `the root ${name} is not removed: whose it is cannot be told`,
        why: `these records are lost, or cannot be read: ${lostRecords(observed, name)!.join(", ")}`,
        remedy:
          "if it is this stack's, run `pulumi up` with adopt: true on the container, which writes them anew; then remove it",
      });
    }
    if (observed.owner !== owner) return [];
    const steps: Step[] = host!.users.map(stopGracefully);
    if (observed.enabled)
      steps.push({
        id: "disable-unit",
        title: "Disabling the mount of the root at boot",
        argv: ["systemctl", "disable", unitName(name)],
      });
    steps.push(...unmount(observed, name));
    if (observed.unit !== "missing") steps.push(...removeRootUnit(name));
    steps.push(...releaseImage(host!.store, image ?? inputs.image, owner, name));
    if (host!.store.folders.has(folderOf(name)) || observed.halfRemoved)
      steps.push(removeFolder({ id: "remove-root", title: "Removing the root" }, folderOf(name)));
    if (observed.hasSlot || (slot !== undefined && host!.store.slots.get(slot) === DAMAGED))
      steps.push(
        removeRecord({ id: "free-slot", subject: String(slot), title: `Freeing slot ${slot}` }, `slots/${slot}`),
      );
    return steps;
  },

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

/** The context of a container's processes. */
function processLabel(slot: number): string {
  return `system_u:system_r:${PROCESS_TYPE}:${levelOf(slot)}`;
}

/** The context of every file of its root. */
function rootLabel(slot: number): string {
  return `system_u:object_r:svirt_lxc_root_t:${levelOf(slot)}`;
}

function unitState(mount: MountState, name: string, slot?: number, image?: string): Observed["unit"] {
  if (mount.unit === undefined) return "missing";
  if (slot === undefined || image === undefined) return "outdated";
  // What is made anew has a disk.
  const hasDisk = mount.disk !== undefined || !mount.folders;
  const text = rootUnit({ name, image, idmap: idMapOf(slot), label: rootLabel(slot), hasDisk });
  return mount.unit === text && mount.fresh ? "current" : "outdated";
}

function isMounted({ active, label, disk }: MountState, slot: number | undefined): boolean {
  const isDiskMounted = disk === undefined || disk.mounted !== undefined;
  return active && isDiskMounted && label !== undefined && slot !== undefined && label === rootLabel(slot);
}

/** The bytes that the disk of a root is to have; undefined for one that was made without, of which none is asked for. */
function wantedDisk({ made, disk, recordedDisk }: Observed, desired: Inputs): number | undefined {
  if (desired.disk !== undefined) return bytesOf(desired.disk);
  if (!made) return bytesOf(recordedDisk ?? DEFAULT_DISK);
  return disk && (recordedDisk === undefined ? disk.file : bytesOf(recordedDisk));
}

/** The disk as an input, where it is one, or is not what it is to be. */
function actualDisk(observed: Observed, inputs: Inputs): Pick<Inputs, "disk"> {
  const { file, mounted } = observed.disk ?? {};
  const wanted = wantedDisk(observed, inputs);
  const sizes = [file, mounted].filter((size) => size !== undefined && size !== wanted);
  return sizes.length === 0 ? {} : { disk: formatDisk(Math.max(...sizes.map(Number))) };
}

/** What it is to be set to, with the address that follows from its slot. */
function withAddress6(inputs: Inputs, slot: number | undefined): Inputs & { address6?: string } {
  const { subnet6 } = inputs;
  return subnet6 === undefined || slot === undefined ? inputs : { ...inputs, address6: address6Of(subnet6, slot) };
}

/** The folder of a root, relative to the store. */
function folderOf(name: string): string {
  return `roots/${name}`;
}

/** Its record, relative to the store. */
function recordPath(name: string): string {
  return `${folderOf(name)}/root.json`;
}

/** What the record of a root has of its settings, so that it can be undone, or looked for. */
type Lists = Pick<RootRecord, "units" | "masks" | "users" | "files">;

function listsOf({ units, mask = [], users = {}, files = {} }: Inputs): Lists {
  return {
    units,
    masks: nonEmpty(mask),
    users: nonEmpty(Object.keys(users)),
    files: nonEmpty(Object.keys(files)),
  };
}

function nonEmpty(list: string[]): string[] | undefined {
  return list.length > 0 ? list : undefined;
}

function union(a: string[], b: string[]): string[] {
  return [...new Set([...a, ...b])];
}

/** A look tells of users and files only when the record lists them: until it is written anew, they are taken for what they should be. */
function isUnlisted({ made, record }: Observed): boolean {
  return made && record !== "readable";
}

/** What a look found, of which state holds a part as a secret. */
function foundIn({ settings, files }: Observed): FoundSettings | undefined {
  return settings && { ...settings, files };
}

function withoutFiles({ files: _, ...rest }: FoundSettings): Observed["settings"] {
  return rest;
}

function writtenIn({ units, masks = [], seeded }: Pick<Observed, "units" | "masks" | "seeded">): Written {
  return { units, masks, seeded };
}

/** The image that an owner has a claim on. */
function claimedImage(store: Store, owner: string | undefined): string | undefined {
  return imageClaims(store).find((claim) => claim.owner === owner)?.sha256;
}

/** Its folders are there, and no record that tells whose it is. */
function isUnknownOwner({ owner, made }: Observed): boolean {
  return owner === undefined && made;
}

/** The records of a root that are not there any more, or cannot be read. */
function lostRecords(observed: Observed, name: string): string[] | undefined {
  const { made, record, owner, hasSlot, slot, claimsImage, image } = observed;
  if (!made) return undefined;
  const lost = [
    ...(record === "readable" ? [] : [recordPath(name)]),
    ...(hasSlot || slot === undefined ? [] : [`slots/${slot}`]),
    ...(claimsImage || image === undefined || owner === undefined ? [] : [imageClaimPath(image, owner)]),
  ];
  return lost.length > 0 ? lost : undefined;
}

/**
 * What was written into a root whose record is lost: what was declared, where the state knows. What a user has changed inside
 * since is not written over. One without an identity of its own was never finished, and gets all of it.
 */
function asDeclared({ units, masks, listed, seeded, passwordHash }: Observed, prior: Inputs | undefined) {
  if (!prior || !seeded.identity) return { units, masks, listed, seeded, passwordHash };
  const { name, rootPassword } = prior;
  const { users, files, ...asked } = listsOf(prior);
  return {
    ...asked,
    listed: { users, files },
    seeded: wantedSeeds(prior, seeded),
    passwordHash: rootPassword === undefined ? undefined : hashPassword(rootPassword, name),
  };
}

function unmount({ unit, occupied }: Observed, name: string): Step[] {
  return unit === "missing" && !occupied ? [] : [unmountRoot(name)];
}

/** Slow to compute, so that who reads it cannot try passwords fast; with the name as salt. */
function hashPassword(password: string, name: string): string {
  return scryptSync(password, name, 32).toString("base64");
}

const uuidRead: Read = { key: "uuid", argv: ["cat", "/proc/sys/kernel/random/uuid"], volatile: true };

/** Of a root that was killed before it claimed one. */
const NO_IMAGE = "0".repeat(64);

/** Of a file each part may be an output of its own, such as a secret for its content. */
type FileArgs = z.input<typeof fileSchema>;
export type LxcRootfsArgs = Omit<Args<typeof schema>, "files"> & {
  files?: pulumi.Input<Record<string, pulumi.Input<{ [K in keyof FileArgs]: pulumi.Input<FileArgs[K]> }>>>;
};

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
