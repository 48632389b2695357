import type { Step, StepName } from "../host/batch.ts";
import { claimOf, claimPath, otherClaims, removeRecord, STORE, type Store, writeRecord } from "../host/store.ts";

/** A claim of an image. */
export interface ImageClaim {
  /** It stays when its stack goes. */
  retain?: boolean;
}

/** Says that an image is used: by the resource that made it, and by each root that lies on it. `former` is a name that it had. */
export function claimImage(sha256: string, owner: string, former?: string, what: ImageClaim = {}): Step {
  const instead = former === undefined ? undefined : claimPath(claim(sha256), former);
  return writeRecord(
    { id: "claim-image", title: "Claiming the image" },
    claimPath(claim(sha256), owner),
    what,
    instead,
  );
}

export function hasImageClaim(store: Store, sha256: string, owner: string): boolean {
  return imageClaim(store, sha256, owner) !== undefined;
}

export function imageClaim(store: Store, sha256: string, owner: string): ImageClaim | undefined {
  return claimOf(store, claim(sha256), owner);
}

/** Gives an image up; the last one out removes it. */
export function releaseImage(store: Store, sha256: string, owner: string): Step[] {
  if (!hasImageClaim(store, sha256, owner)) return [];
  const last = otherClaims(store, claim(sha256), owner).size === 0;
  return [
    ...(last
      ? [removeFolder({ id: "remove-image", title: "Removing the image" }, `${STORE}/images/${sha256}`, "image.json")]
      : []),
    removeRecord({ id: "release-image", title: "Releasing the claim on the image" }, claimPath(claim(sha256), owner)),
  ];
}

/**
 * Removes a folder of the store, but nothing that is mounted below it. What goes first is what must not outlive the rest if
 * the removal stops half-way: the record of what is no more whole, or all that a record stands for.
 */
export function removeFolder(name: StepName, folder: string, ...first: string[]): Step {
  return {
    ...name,
    argv: ["sh", "-c", REMOVE, "sh", folder, ...first.map((name) => `${folder}/${name}`)],
    timeout: 600,
  };
}

const REMOVE = `d=$1; shift
rm -rf --one-file-system "$@" && rm -rf --one-file-system "$d" && { [ ! -d "\${d%/*}" ] || rmdir --ignore-fail-on-non-empty "\${d%/*}"; }`;

const PREFIX = "image-";

function claim(sha256: string): string {
  return `${PREFIX}${sha256}`;
}

/** All claims on images. */
export function imageClaims(store: Store): ({ sha256: string; owner: string } & ImageClaim)[] {
  return [...store.claims]
    .filter(([thing]) => thing.startsWith(PREFIX))
    .flatMap(([thing, owners]) =>
      [...owners].map(([owner, what]) => ({ ...what, sha256: thing.slice(PREFIX.length), owner })),
    );
}
