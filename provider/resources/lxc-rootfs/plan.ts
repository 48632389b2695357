import { equalAsJson } from "../../engine/check.ts";
import type { Step, StepName } from "../../host/batch.ts";
import { HostError } from "../../host/errors.ts";
import { DAMAGED, removeRecord, writeRecord } from "../../host/records.ts";
import { freeSlot, idMapOf } from "../../host/slot.ts";
import { type RootRecord, takenSlots } from "../../host/store.ts";
import { claimImage, releaseImage, removeFolder, removeRest } from "../../tools/images.ts";
import { bytesOf, createDisk, DEFAULT_DISK, formatDisk, growDisk } from "../../tools/root-disk.ts";
import {
  createFolders,
  disableRootUnit,
  enableRootUnit,
  layersFolder,
  mountRoot,
  removeRootUnit,
  unmountRoot,
  writeRootUnit,
} from "../../tools/root-mount.ts";
import { identityStep } from "../../tools/root-settings/identity.ts";
import { wantedSeeds } from "../../tools/root-settings/names.ts";
import { passwordStep, settingsSteps } from "../../tools/root-settings.ts";
import { address6Of } from "../../tools/subnet6.ts";
import { stopGracefully } from "../../tools/virsh.ts";
import { hashPassword, type Inputs } from "./inputs.ts";
import { folderOf, foundIn, isUnlisted, type Observed, rootLabel, writtenIn } from "./observed.ts";
import { asDeclared, isUnknownOwner, type Lists, listsOf, lostRecords, recordPath } from "./records.ts";

/** What makes a root what it is declared to be; `prior` is what was declared before. */
export function plan(observed: Observed, desired: Inputs, prior?: Inputs): Step[] {
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
    masks: union(desired.mask ?? [], known.masks),
    seeded,
    passwordHash,
    disk: formatDisk(size),
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
  if (!observed.made) steps.push(createDisk(layersFolder(name), size));
  if (!observed.made || observed.record !== "readable" || renamed || observed.rebuild !== desired.rebuild)
    note({ id: "record-root", title: "Recording the root" });
  // Others count with it from now on.
  else if (observed.recordedDisk !== record.disk) note({ id: "record-disk", title: "Recording the size of the disk" });

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
      note({ id: "count-revision", title: "Counting the revision of the settings" }, { revision: record.revision + 1 });
    }
  }
  if (remount) {
    if (observed.active || observed.occupied) steps.push(...unmount(observed, name));
    if (observed.unit !== "current")
      steps.push(...writeRootUnit({ name, image, idmap, label: rootLabel(slot) }, observed.enabled));
    steps.push(mountRoot(name));
  }
  const { file = size, mounted = size } = observed.disk;
  if (Math.min(file, mounted) < size) steps.push(growDisk(layersFolder(name), size));
  if (!observed.enabled && observed.unit === "current") steps.push(enableRootUnit(name));
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
}

/** What removes a root that is ours. */
export function remove(observed: Observed, inputs: Inputs): Step[] {
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
  // While it is mounted, it stays so after a boot.
  steps.push(...unmount(observed, name));
  if (observed.enabled) steps.push(disableRootUnit(name, observed.unit !== "missing"));
  if (observed.unit !== "missing") steps.push(...removeRootUnit(name));
  steps.push(...releaseImage(host!.store, image ?? inputs.image, owner, name));
  if (host!.store.folders.has(folderOf(name)) || observed.halfRemoved)
    steps.push(removeFolder({ id: "remove-root", title: "Removing the root" }, folderOf(name)));
  if (observed.hasSlot || (slot !== undefined && host!.store.slots.get(slot) === DAMAGED))
    steps.push(
      removeRecord({ id: "free-slot", subject: String(slot), title: `Freeing slot ${slot}` }, `slots/${slot}`),
    );
  return steps;
}

/** The bytes that the disk of a root is to have. */
export function wantedDisk({ disk, recordedDisk }: Observed, desired: Inputs): number {
  const size = desired.disk ?? recordedDisk;
  return size === undefined ? (disk.file ?? bytesOf(DEFAULT_DISK)) : bytesOf(size);
}

/** What it is to be set to, with the address that follows from its slot. */
export function withAddress6(inputs: Inputs, slot: number | undefined): Inputs & { address6?: string } {
  const { subnet6 } = inputs;
  return subnet6 === undefined || slot === undefined ? inputs : { ...inputs, address6: address6Of(subnet6, slot) };
}

function union(a: string[], b: string[]): string[] {
  return [...new Set([...a, ...b])];
}

function unmount({ unit, occupied }: Observed, name: string): Step[] {
  return unit === "missing" && !occupied ? [] : [unmountRoot(name)];
}
