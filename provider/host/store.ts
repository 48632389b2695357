import { isDeepStrictEqual } from "node:util";
import type { Outcome, Read, Step, StepName } from "./batch.ts";

/**
 * What we write down on a host. It lies in a folder that only root can list and that has an SELinux type of its own:
 *
 *   slots/N              who has slot N: written before anything of a container is made
 *   claims/THING/OWNER   who uses a thing that is shared; the last one out removes it
 *   images/SHA256/       a base root, and its record image.json
 *   roots/NAME/          a container's root, and its record root.json
 *
 * Records are one line of JSON each.
 */
export const STORE = "/var/lib/svirt-lxc";

export interface Slot {
  owner: string;
  name: string;
  /** It stays when its stack goes (retainOnDelete). */
  retain?: boolean;
}

export interface ImageRecord {
  sha256: string;
}

export interface RootRecord {
  owner: string;
  slot: number;
  /** sha256 of the image below it. */
  image: string;
  /** What the input of this name was when the root was made. */
  rebuild?: string;
  /** Counts the times that settings were written; a container that started before has the old ones. */
  revision: number;
  /** Units that were asked for: what is taken off the list is disabled. */
  units: string[];
  /** What was written into it once; see Seeded in tools/root-settings.ts. */
  seeded?: { identity?: boolean; hosts?: string; resolver?: string };
  /** A slow hash of the root password that was written last; never leaves the host but as a comparison. */
  passwordHash?: string;
}

export interface Store {
  slots: Map<number, Slot>;
  /** Thing → owner → what the owner wants of it. */
  claims: Map<string, Map<string, object>>;
  images: Map<string, ImageRecord>;
  roots: Map<string, RootRecord>;
  /** Folders of images that are being unpacked, or whose unpacking broke off. */
  staging: Set<string>;
}

const LIST = `
[ -e ${STORE} ] || exit 0
cd ${STORE} || exit 1
find . -mindepth 2 -maxdepth 3 -type f \\( -path './slots/*' -o -path './claims/*/*' -o -name image.json -o -name root.json \\) \
  ! -name '*.new' -exec grep -H '' {} + | sort
find staging -mindepth 1 -maxdepth 1 -printf './staging/%f:{}\\n' 2>/dev/null | sort`;

/** All records of a host. */
export const storeRead: Read = { key: "store", argv: ["sh", "-c", LIST] };

export function parseStore(outcome: Outcome): Store {
  const store: Store = { slots: new Map(), claims: new Map(), images: new Map(), roots: new Map(), staging: new Set() };
  for (const line of outcome.stdout.split("\n").filter(Boolean)) {
    const [, folder = "", first = "", second = "", json = ""] =
      /^\.\/(\w+)\/([^/:]+)(?:\/([^/:]+))?:(.*)$/.exec(line) ?? [];
    if (!json) continue;
    const record = JSON.parse(json);
    if (folder === "slots") store.slots.set(Number(first), record);
    else if (folder === "staging") store.staging.add(`${STORE}/staging/${first}`);
    else if (folder === "images") store.images.set(first, record);
    else if (folder === "roots") store.roots.set(first, record);
    else if (folder === "claims") {
      const claims = store.claims.get(first) ?? new Map();
      store.claims.set(first, claims.set(decodeURIComponent(second), record));
    }
  }
  return store;
}

// The rename makes a record appear whole or not at all.
const WRITE = 'mkdir -p "${1%/*}" && cat >"$1.new" && sync "$1.new" && mv "$1.new" "$1" && shift && rm -f "$@"';

/** Writes a record, and removes the one that it stands for from now on, if any; paths are relative to the store. */
export function writeRecord(name: StepName, path: string, record: object, former?: string): Step {
  const files = [path, ...(former === undefined ? [] : [former])].map((file) => `${STORE}/${file}`);
  return { ...name, argv: ["sh", "-c", WRITE, "sh", ...files], stdin: `${JSON.stringify(record)}\n` };
}

/** Removes a record, and the folders above it that it leaves empty. */
export function removeRecord(name: StepName, path: string): Step {
  return {
    ...name,
    argv: ["sh", "-c", 'rm -f "$1" && rmdir -p --ignore-fail-on-non-empty "${1%/*}"', "sh", `${STORE}/${path}`],
  };
}

/** The record of a claim. */
export function claimPath(thing: string, owner: string): string {
  // A dot would let an owner be named as a folder is, or as a record that is being written.
  return `claims/${thing}/${encodeURIComponent(owner).replaceAll(".", "%2E")}`;
}

/** What an owner wants of a thing; undefined if it does not use it. */
export function claimOf(store: Store, thing: string, owner: string): object | undefined {
  return store.claims.get(thing)?.get(owner);
}

/** Is there a container that was declared to stay without its stack? */
export function hasRetained(store: Store): boolean {
  return [...store.slots.values()].some((slot) => slot.retain);
}

/** Who else uses a thing; `former` is a name that the owner had before. */
export function otherClaims(store: Store, thing: string, owner: string, former = owner): Map<string, object> {
  return new Map([...(store.claims.get(thing) ?? [])].filter(([who]) => who !== owner && who !== former));
}

/** Writes down that a thing is used and what is wanted of it, unless `claim` says just that; it stands for one under a former name. */
export function claimSteps(
  claim: object | undefined,
  store: Store | undefined,
  thing: string,
  owner: string,
  wish: object,
  former = owner,
): Step[] {
  const renamed = former !== owner && store !== undefined && claimOf(store, thing, former) !== undefined;
  if (isDeepStrictEqual(claim, wish) && !renamed) return [];
  const instead = renamed ? claimPath(thing, former) : undefined;
  return [
    writeRecord(
      { id: `claim-${thing}`, title: `Recording the claim on ${thing}` },
      claimPath(thing, owner),
      wish,
      instead,
    ),
  ];
}

/** Takes a claim back, whoever else has one. */
export function unclaim(thing: string, owner: string): Step {
  return removeRecord({ id: `release-${thing}`, title: `Releasing the claim on ${thing}` }, claimPath(thing, owner));
}
