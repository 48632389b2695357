import { PROCESS_TYPE } from "../../confinement/judge.ts";
import type { Results } from "../../host/batch.ts";
import { DAMAGED } from "../../host/records.ts";
import { idMapOf, levelOf } from "../../host/slot.ts";
import { parseStore, type RootRecord, type Slot, type Store } from "../../host/store.ts";
import { parseDomains } from "../../tools/domains.ts";
import { imageClaim, imageClaims, isHalfRemoved } from "../../tools/images.ts";
import { bytesOf, type Disk, parseSpace, type Space } from "../../tools/root-disk.ts";
import { imageOf, type MountState, mountedRoot, parseMounts, rootUnit, slotOf } from "../../tools/root-mount.ts";
import type { Seeded, Written } from "../../tools/root-settings/setting.ts";
import { type FoundSettings, isUnreadable, parseSettings } from "../../tools/root-settings.ts";
import type { Inputs } from "./inputs.ts";

export interface Observed {
  owner?: string;
  /** Tells this root from an earlier one of the same name. */
  instance?: string;
  /** Its disk is there, which is the last of its folder but its record. */
  made: boolean;
  /** Of its folders' record. Without it, what the host tells otherwise and what was declared stand for it. */
  record: "readable" | "damaged" | "missing";
  slot?: number;
  image?: string;
  rebuild?: string;
  revision: number;
  /** Units that were asked for until now: to be enabled, and masked. */
  units: string[];
  masks: string[];
  /** Users and files that were declared, and of which a look tells. */
  listed: Pick<RootRecord, "users" | "files">;
  seeded: Seeded;
  /** What holds what it writes. */
  disk: Disk;
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

/** The sizes that the records of other roots tell. */
function disksOfOthers({ roots }: Store, name: string): Map<string, number> {
  const disks = new Map<string, number>();
  for (const [other, record] of roots) if (other !== name && record !== DAMAGED) disks.set(other, bytesOf(record.disk));
  return disks;
}

/** What the looks at the host say of a root. */
export function observe(results: Results, { name, owner }: Pick<Inputs, "name" | "owner">): Observed {
  const store = parseStore(results.get("store")!);
  const recorded = store.roots.get(name);
  const record = recorded === DAMAGED ? undefined : recorded;
  const [number, reserved] =
    [...store.slots].find((entry): entry is [number, Slot] => entry[1] !== DAMAGED && entry[1].name === name) ?? [];
  const mount = parseMounts(results.get("mounts")!, name);
  const made = mount.disk.file !== undefined;
  const domains = [...parseDomains(results.get("domains")!)];
  const standing = domains.find(([, { next }]) => next.root === mountedRoot(name))?.[1].next;
  const users = domains.filter(([, { live }]) => live?.root === mountedRoot(name)).map(([user]) => user);

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
    revision: record?.revision ?? (made ? standing?.revision : undefined) ?? 0,
    units: record?.units ?? [],
    masks: record?.masks ?? [],
    listed: { users: record?.users ?? [], files: record?.files ?? [] },
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
    occupied: mount.label !== undefined || mount.disk.mounted !== undefined,
    enabled: mount.enabled,
    settings: found && withoutFiles(found),
    files: found?.files,
    unreadable: isUnreadable(results.get("settings")!, name) || undefined,
    host: {
      store,
      uuid: new RegExp(`^${name} (.*)$`, "m").exec(results.get("uuid")!.stdout)?.[1] ?? "",
      space: parseSpace(results.get("space")!, disksOfOthers(store, name)),
      users,
      whole: standing !== undefined,
    },
  };
}

/** The context of a container's processes. */
export function processLabel(slot: number): string {
  return `system_u:system_r:${PROCESS_TYPE}:${levelOf(slot)}`;
}

/** The context of every file of its root. */
export function rootLabel(slot: number): string {
  return `system_u:object_r:svirt_lxc_root_t:${levelOf(slot)}`;
}

function unitState(mount: MountState, name: string, slot?: number, image?: string): Observed["unit"] {
  if (mount.unit === undefined) return "missing";
  if (slot === undefined || image === undefined) return "outdated";
  const text = rootUnit({ name, image, idmap: idMapOf(slot), label: rootLabel(slot) });
  return mount.unit === text && mount.fresh ? "current" : "outdated";
}

function isMounted({ active, label, disk }: MountState, slot: number | undefined): boolean {
  return active && disk.mounted !== undefined && label !== undefined && slot !== undefined && label === rootLabel(slot);
}

/** The folder of a root, relative to the store. */
export function folderOf(name: string): string {
  return `roots/${name}`;
}

/** A look tells of users and files only when the record lists them: until it is written anew, they are taken for what they should be. */
export function isUnlisted({ made, record }: Observed): boolean {
  return made && record !== "readable";
}

/** What a look found, of which state holds a part as a secret. */
export function foundIn({ settings, files }: Observed): FoundSettings | undefined {
  return settings && { ...settings, files };
}

function withoutFiles({ files: _, ...rest }: FoundSettings): Observed["settings"] {
  return rest;
}

export function writtenIn({ units, masks, seeded }: Pick<Observed, "units" | "masks" | "seeded">): Written {
  return { units, masks, seeded };
}

/** The image that an owner has a claim on. */
export function claimedImage(store: Store, owner: string | undefined): string | undefined {
  return imageClaims(store).find((claim) => claim.owner === owner)?.sha256;
}
