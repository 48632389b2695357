import type { RootRecord } from "../../host/store.ts";
import { imageClaimPath } from "../../tools/images.ts";
import { wantedSeeds } from "../../tools/root-settings/names.ts";
import { hashPassword, type Inputs } from "./inputs.ts";
import { folderOf, type Observed } from "./observed.ts";

/** Its record, relative to the store. */
export function recordPath(name: string): string {
  return `${folderOf(name)}/root.json`;
}

/** What the record of a root has of its settings, so that it can be undone, or looked for. */
export type Lists = Pick<RootRecord, "units" | "masks" | "users" | "files">;

export function listsOf({ units, mask = [], users = {}, files = {} }: Inputs): Lists {
  return {
    units,
    masks: mask,
    users: Object.keys(users),
    files: Object.keys(files),
  };
}

/** Its folders are there, and no record that tells whose it is. */
export function isUnknownOwner({ owner, made }: Observed): boolean {
  return owner === undefined && made;
}

/** The records of a root that are not there any more, or cannot be read. */
export function lostRecords(observed: Observed, name: string): string[] | undefined {
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
export function asDeclared({ units, masks, listed, seeded, passwordHash }: Observed, prior: Inputs | undefined) {
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
