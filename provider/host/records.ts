import type { z } from "zod";
import type { Step, StepName } from "./batch.ts";

/** Where we write down what we make on a host: a folder that only root can list, with an SELinux type of its own. */
export const STORE = "/var/lib/svirt-lxc";

/**
 * What stands for a record whose file is there and cannot be read as one: it is empty, cut off, or holds something else. It
 * counts as there: nothing is removed, and no number given away, because of it.
 */
export const DAMAGED = "damaged";
export type Damaged = typeof DAMAGED;

/** What a refresh calls the drift of a record. */
export function damageOf(path: string): string {
  return `the record ${path} is lost or damaged`;
}

/** A record, as its file holds it. */
export function parseRecord<T>(text: string, schema: z.ZodType<T>): T | Damaged {
  try {
    const { data } = schema.safeParse(JSON.parse(text));
    return data ?? DAMAGED;
  } catch {
    return DAMAGED;
  }
}

/**
 * A function of sh: `put FILE` makes standard input the content of a file. The rename makes it appear whole or not at all, and
 * what is synchronised before and after (fsync(2): a new name needs its folder written, too) outlives a power cut. A full disk
 * leaves what was there. mv without -T would move it into a folder that somebody put in its place.
 */
export const PUT = `put() {
  mkdir -p "\${1%/*}" && cat >"$1.new" && sync "$1.new" && mv -T "$1.new" "$1" &&
    sync "\${1%/*}" "\${1%/*}/.." "\${1%/*}/../.." || { rm -f "$1.new"; return 1; }
}`;

const WRITE = `${PUT}\nput "$1" && shift && rm -f "$@"`;

/** Writes a record, and removes the one that it stands for from now on, if any; paths are relative to the store. */
export function writeRecord(name: StepName, path: string, record: object, former?: string): Step {
  const text = JSON.stringify(record);
  const formers = former === undefined ? [] : [former];
  const files = [path, ...formers].map((file) => `${STORE}/${file}`);
  const records = [{ path, text }, ...formers.map((other) => ({ path: other }))];
  return { ...name, argv: ["sh", "-c", WRITE, "sh", ...files], stdin: `${text}\n`, records };
}

const REMOVE = `d=\${1%/*}
rm -f "$1" "$1.new" && rmdir -p --ignore-fail-on-non-empty "$d" && until [ -d "$d" ]; do d=\${d%/*}; done && sync "$d"`;

/** Removes a record, and the folders above it that it leaves empty. */
export function removeRecord(name: StepName, path: string): Step {
  return { ...name, argv: ["sh", "-c", REMOVE, "sh", `${STORE}/${path}`], records: [{ path }] };
}
