import { z } from "zod";
import type { Step, StepName } from "../host/batch.ts";
import { DAMAGED, removeRecord, STORE, writeRecord } from "../host/records.ts";
import { claimOf, claimPath, claimsOf, otherClaims, REMOVED, type Store } from "../host/store.ts";

const claimSchema = z.object({
  /** It stays when its stack goes. */
  retain: z.boolean().optional(),
});

/** A claim of an image. */
export type ImageClaim = z.infer<typeof claimSchema>;

/** The folder of an image, relative to the store. */
export function imageFolder(sha256: string): string {
  return `images/${sha256}`;
}

/** Where an image is made before it is complete. Each owner has its own place: two may make it at the same time. */
export function stagingFolder(sha256: string, owner: string): string {
  return `${STORE}/staging/${sha256}.${encodeURIComponent(owner)}`;
}

/** The record of an image, relative to the store. */
export function imageRecordPath(sha256: string): string {
  return `${imageFolder(sha256)}/image.json`;
}

/** Where a root is mounted from: the image must stay, whatever became of its record. */
function carriesRoot(store: Store, sha256: string): boolean {
  return [...store.roots.values()].some((root) => root !== DAMAGED && root.image === sha256);
}

/**
 * An image is whole if it has its record, which comes last and goes first. If a root stands on it, it was whole when that was
 * made, though the record may be lost since.
 */
export function isWholeImage(store: Store, sha256: string): boolean {
  return store.images.has(sha256) || (store.folders.has(imageFolder(sha256)) && carriesRoot(store, sha256));
}

/** Writes the record of an image that is whole. */
export function recordImage(sha256: string): Step {
  return writeRecord({ id: "record-image", title: "Recording the image" }, imageRecordPath(sha256), { sha256 });
}

/** Says that an image is used: by the resource that made it, and by each root that lies on it. `former` is a name that it had. */
export function claimImage(sha256: string, owner: string, former?: string, what: ImageClaim = {}): Step {
  const instead = former === undefined ? undefined : imageClaimPath(sha256, former);
  return writeRecord({ id: "claim-image", title: "Claiming the image" }, imageClaimPath(sha256, owner), what, instead);
}

/** The claim of an owner; one that is damaged is none, and is written again. */
export function imageClaim(store: Store, sha256: string, owner: string): ImageClaim | undefined {
  const found = claimOf(store, claim(sha256), owner, claimSchema);
  return found === DAMAGED ? undefined : found;
}

/** The record of a claim on an image, relative to the store. */
export function imageClaimPath(sha256: string, owner: string): string {
  return claimPath(claim(sha256), owner);
}

/** Has the owner a claim, readable or not? */
export function hasImageClaim(store: Store, sha256: string, owner: string): boolean {
  return store.claims.get(claim(sha256))?.has(owner) ?? false;
}

/** Gives an image up; the last one out removes it, if no other root than `root` stands on it. */
export function releaseImage(store: Store, sha256: string, owner: string, root?: string): Step[] {
  if (!hasImageClaim(store, sha256, owner)) return [];
  const roots = new Map([...store.roots].filter(([name]) => name !== root));
  const last =
    otherClaims(store, claim(sha256), claimSchema, owner).size === 0 && !carriesRoot({ ...store, roots }, sha256);
  return [
    ...(last ? [removeFolder({ id: "remove-image", title: "Removing the image" }, imageFolder(sha256))] : []),
    removeRecord({ id: "release-image", title: "Releasing the claim on the image" }, imageClaimPath(sha256, owner)),
  ];
}

/**
 * For scripts: `unused FOLDER` fails, and says so, where something is mounted from a folder of the store, or in it
 * (proc_pid_mountinfo(5): the fourth field is what of the file system is mounted, the fifth is where).
 */
export const UNUSED = `unused() {
  grep -qE "^[^ ]+ [^ ]+ [^ ]+ ((/|[^ ]*/svirt-lxc/)\${1#${STORE}/}(/[^ ]*)? |[^ ]+ $1(/[^ ]*)? )" /proc/self/mountinfo || return 0
  echo "something is mounted from $1, or in it: it stays" >&2; return 1
}`;

const REMOVE_UNUSED = `${UNUSED}
remove() { unused "$1" && rm -rf --one-file-system "$1"; }`;

// First it loses its name: a removal that breaks off leaves nothing that passes for whole.
const REMOVE = `${REMOVE_UNUSED}
remove "$1${REMOVED}" && unused "$1" || exit 1
[ ! -e "$1" ] || { mv -T "$1" "$1${REMOVED}" && sync "\${1%/*}" && remove "$1${REMOVED}"; } || exit 1
[ ! -d "\${1%/*}" ] || rmdir --ignore-fail-on-non-empty "\${1%/*}"`;

const REMOVE_REST = `${REMOVE_UNUSED}\nremove "$1"`;

/** Removes a folder of the store, and what is left of one whose removal broke off, but nothing that is mounted. */
export function removeFolder(name: StepName, folder: string): Step {
  return { ...name, argv: ["sh", "-c", REMOVE, "sh", `${STORE}/${folder}`], timeout: 600, records: [{ path: folder }] };
}

/** Removes only what is left of a folder whose removal broke off. */
export function removeRest(folder: string): Step {
  const argv = ["sh", "-c", REMOVE_REST, "sh", `${STORE}/${folder}${REMOVED}`];
  return { id: "remove-rest", title: "Finishing an earlier removal", argv, timeout: 600 };
}

/** Something is left of a folder whose removal broke off. */
export function isHalfRemoved(store: Store, folder: string): boolean {
  return store.folders.has(`${folder}${REMOVED}`);
}

const PREFIX = "image-";

function claim(sha256: string): string {
  return `${PREFIX}${sha256}`;
}

/** All claims on images; of one that cannot be read, it is not known whether it is to stay, and so it is. */
export function imageClaims(store: Store): { sha256: string; owner: string; retain?: boolean }[] {
  return [...store.claims.keys()]
    .filter((thing) => thing.startsWith(PREFIX))
    .flatMap((thing) =>
      [...claimsOf(store, thing, claimSchema)].map(([owner, what]) => ({
        ...(what === DAMAGED ? { retain: true } : what),
        sha256: thing.slice(PREFIX.length),
        owner,
      })),
    );
}
