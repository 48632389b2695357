import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Outcome, Read, Results, Step } from "./batch.ts";
import { DAMAGED, type Damaged, parseRecord, removeRecord, STORE, writeRecord } from "./records.ts";

/*
 * What is written down on a host:
 *
 *   slots/N              who has slot N: written before anything of a container is made
 *   claims/THING/OWNER   who uses a thing that is shared; the last one out removes it
 *   images/SHA256/       a base root, its record image.json, and in one line the list of its packages
 *   roots/NAME/          a container's root, and its record root.json
 *
 * A record is a JSON object. Those of images and roots are written when the folder is complete, and go with it at once.
 */

const slotSchema = z.object({
  owner: z.string().min(1),
  name: z.string().min(1),
  /** It stays when its stack goes (retainOnDelete). */
  retain: z.boolean().optional(),
});
export type Slot = z.infer<typeof slotSchema>;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const imageSchema = z.object({ sha256 });
export type ImageRecord = z.infer<typeof imageSchema>;

const rootSchema = z.object({
  owner: z.string().min(1),
  /** Tells this root from an earlier one of the same name. */
  instance: z.uuid(),
  slot: z.int().min(0),
  /** sha256 of the image below it. */
  image: sha256,
  /** What the input of this name was when the root was made. */
  rebuild: z.string().optional(),
  /** Counts the times that settings were written; a container that started before has the old ones. */
  revision: z.int().min(0),
  /** Units that were asked for: what is taken off the list is disabled. */
  units: z.array(z.string()),
  /** Units that are masked for the same reason. */
  masks: z.array(z.string()),
  /** Users and files that were declared, which a look at the settings tells of. */
  users: z.array(z.string()),
  files: z.array(z.string()),
  /** What was written into it once; see Seeded in tools/root-settings/setting.ts. */
  seeded: z.object({
    identity: z.boolean().optional(),
    hosts: z.string().optional(),
    resolver: z.string().optional(),
  }),
  /** The size of its disk, which is promised to it. */
  disk: z.string(),
  /** A slow hash of the root password that was written last; never leaves the host but as a comparison. */
  passwordHash: z.string().optional(),
});
export type RootRecord = z.infer<typeof rootSchema>;

export interface Store {
  slots: Map<number, Slot | Damaged>;
  /** Thing → owner → what the owner wants of it, in JSON. An owner whose name cannot be read counts as well. */
  claims: Map<string, Map<string, string>>;
  images: Map<string, ImageRecord | Damaged>;
  /** What was installed in images that were made of packages. */
  packages: Map<string, string[]>;
  roots: Map<string, RootRecord | Damaged>;
  /** Folders of images and roots, with a record or without: relative to the store. */
  folders: Set<string>;
  /** Folders of images that are being unpacked, or whose unpacking broke off. */
  staging: Set<string>;
}

/** What a folder is renamed to before it is removed: a removal that breaks off leaves nothing that passes for whole. */
export const REMOVED = ".removed";

// The files that are records, and the folders that count; whatever else lies there is none of ours. Names are those that we give.
const OWNER = "[A-Za-z0-9%_~!*'()-]+";
const FOLDER = "(images/[0-9a-f]{64}|roots/[a-z0-9-]+)";
const PATHS = [
  "slots/[0-9]+",
  `claims/[a-z0-9-]+/${OWNER}`,
  "images/[0-9a-f]{64}/(image\\.json|packages)",
  "roots/[a-z0-9-]+/root\\.json",
  `${FOLDER}(\\${REMOVED})?`,
  `staging/[0-9a-f]{64}\\.[A-Za-z0-9%_.~!*'()-]+`,
].join("|");

// A line for each line of a file; one without text for a file that has none, and for what is no file. Lines of one file stay in
// order. What vanishes while it is read is looked at again; what cannot be read at all must not pass for gone.
const LIST = `
[ -e ${STORE} ] || exit 0
cd ${STORE} || exit 1
list() {
  find . -mindepth 2 -maxdepth 3 -regextype posix-extended -regex "\\./(${PATHS})" \\
    \\( -type f ! -empty -size -64k -exec grep -aH '' {} + -o -printf '%p:\\n' \\)
}
all=$(list) || all=$(list) || all=$(list) || exit 1
[ -z "$all" ] || printf '%s\\n' "$all" | sort -s -t : -k 1,1`;

/** All records of a host. */
export const storeRead: Read = { key: "store", argv: ["sh", "-c", LIST] };

const stores = new WeakMap<Outcome, Store>();

/** The records of a listing, which is parsed once. What it gives is shared, and is not to be changed. */
export function parseStore(listed: Outcome): Store {
  const store = stores.get(listed) ?? readStore(listed.stdout);
  stores.set(listed, store);
  return store;
}

function readStore(listing: string): Store {
  const store: Store = {
    slots: new Map(),
    claims: new Map(),
    images: new Map(),
    packages: new Map(),
    roots: new Map(),
    folders: new Set(),
    staging: new Set(),
  };
  for (const [path, text] of filesOf(listing)) put(store, path, text);
  return store;
}

function put(store: Store, path: string, text: string): void {
  const [kind, name = "", last = ""] = path.split("/");
  if (kind === "slots") store.slots.set(Number(name), parseRecord(text, slotSchema));
  else if (kind === "staging") store.staging.add(`${STORE}/${path}`);
  else if (kind === "images" && last === "packages") store.packages.set(name, text.split(" ").filter(Boolean));
  else if (last === "image.json") store.images.set(name, parseRecord(text, imageSchema));
  else if (last === "root.json") store.roots.set(name, parseRecord(text, rootSchema));
  else if (kind === "claims") {
    const claims = store.claims.get(name) ?? new Map();
    store.claims.set(name, claims.set(decode(last), text));
  } else store.folders.add(path);
}

/** Takes out a record, or a folder of an image or a root with all below it. */
function drop(store: Store, path: string): void {
  const [kind, name = "", last] = path.split("/");
  if (kind === "slots") store.slots.delete(Number(name));
  else if (kind === "claims" && last !== undefined) {
    const claims = store.claims.get(name);
    claims?.delete(decode(last));
    if (claims?.size === 0) store.claims.delete(name);
  } else {
    store.folders.delete(path);
    (kind === "images" ? store.images : store.roots).delete(name);
    if (kind === "images") store.packages.delete(name);
  }
}

/** The results as they will be when steps have been done, as far as these say which records they write or remove. */
export function withRecordsOf(steps: readonly Step[], results: Results): Results {
  const listed = results.get(storeRead.key);
  const records = steps.flatMap((step) => step.records ?? []);
  if (!listed || records.length === 0) return results;
  const { slots, claims, images, packages, roots, folders, staging } = parseStore(listed);
  const store: Store = {
    slots: new Map(slots),
    claims: new Map([...claims].map(([thing, owners]) => [thing, new Map(owners)])),
    images: new Map(images),
    packages: new Map(packages),
    roots: new Map(roots),
    folders: new Set(folders),
    staging: new Set(staging),
  };
  for (const { path, text } of records) {
    if (text === undefined) drop(store, path);
    else put(store, path, text);
  }
  const foreseen = { ...listed };
  stores.set(foreseen, store);
  return new Map(results).set(storeRead.key, foreseen);
}

/** The paths of a listing, and the text of each. */
function filesOf(listing: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const line of listing.split("\n")) {
    const [, path, text = ""] = /^\.\/([^:]+):(.*)$/.exec(line) ?? [];
    if (path !== undefined) files.set(path, (files.get(path) ?? "") + text);
  }
  return files;
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** The slot numbers that somebody has; a record that is damaged or lost gives none away. */
export function takenSlots(store: Store): number[] {
  const roots = [...store.roots.values()].filter((root) => root !== DAMAGED);
  return [...store.slots.keys(), ...roots.map((root) => root.slot)];
}

/** The slots that can be read. */
export function readableSlots(store: Store): Slot[] {
  return [...store.slots.values()].filter((slot) => slot !== DAMAGED);
}

/** The names of the roots that there are, whatever became of their records. */
export function rootNames(store: Store): string[] {
  return [...store.folders].flatMap((folder) => /^roots\/([a-z0-9-]+)$/.exec(folder)?.[1] ?? []);
}

/** Is there a container that was declared to stay without its stack, or may be? */
export function hasRetained(store: Store): boolean {
  const slots = readableSlots(store);
  const known = new Set(slots.map((slot) => slot.name));
  return slots.some((slot) => slot.retain) || rootNames(store).some((name) => !known.has(name));
}

/** The record of a claim. */
export function claimPath(thing: string, owner: string): string {
  // A dot would let an owner be named as a folder is, or as a record that is being written.
  return `claims/${thing}/${encodeURIComponent(owner).replaceAll(".", "%2E")}`;
}

/** What an owner wants of a thing; undefined if it does not use it. */
export function claimOf<T>(store: Store, thing: string, owner: string, schema: z.ZodType<T>): T | Damaged | undefined {
  const text = store.claims.get(thing)?.get(owner);
  return text === undefined ? undefined : parseRecord(text, schema);
}

/** All who use a thing. */
export function claimsOf<T>(store: Store, thing: string, schema: z.ZodType<T>): Map<string, T | Damaged> {
  return new Map([...(store.claims.get(thing) ?? [])].map(([owner, text]) => [owner, parseRecord(text, schema)]));
}

/** Who else uses a thing; `former` is a name that the owner had before. */
export function otherClaims<T>(
  store: Store,
  thing: string,
  schema: z.ZodType<T>,
  owner: string,
  former = owner,
): Map<string, T | Damaged> {
  return new Map([...claimsOf(store, thing, schema)].filter(([who]) => who !== owner && who !== former));
}

/** Writes down that a thing is used and what is wanted of it, unless `claim` says just that; it stands for one under a former name. */
export function claimSteps(
  claim: object | Damaged | undefined,
  store: Store | undefined,
  thing: string,
  owner: string,
  wish: object,
  former = owner,
): Step[] {
  const renamed = former !== owner && store?.claims.get(thing)?.has(former);
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

/**
 * The records that cannot be read and that no resource of ours mends: a claim, which another stack would write anew, or nobody,
 * and a slot without a root. Paths are relative to the store.
 */
export function unreadableRecords(store: Store): string[] {
  const ofRoots = new Set([...store.roots.values()].map((root) => root !== DAMAGED && root.slot));
  const slots = [...store.slots].filter(([slot, record]) => record === DAMAGED && !ofRoots.has(slot));
  const claims = [...store.claims].flatMap(([thing, owners]) =>
    [...owners]
      .filter(([owner, text]) => !owner.includes("/") || parseRecord(text, z.looseObject({})) === DAMAGED)
      .map(([owner]) => (owner.includes("/") ? claimPath(thing, owner) : `claims/${thing}/${owner}`)),
  );
  return [...slots.map(([slot]) => `slots/${slot}`), ...claims];
}

/** Takes a claim back, whoever else has one. */
export function unclaim(thing: string, owner: string): Step {
  return removeRecord({ id: `release-${thing}`, title: `Releasing the claim on ${thing}` }, claimPath(thing, owner));
}
