import { createHash } from "node:crypto";
import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** A digest of files of this folder, and of the files in folders of it: what they make depends on all that they say. */
export function digestOf(...names: string[]): string {
  const hash = createHash("sha256");
  for (const name of names.flatMap(filesOf).sort())
    hash.update(name).update(readFileSync(join(import.meta.dirname, name)));
  return hash.digest("hex");
}

function filesOf(name: string): string[] {
  const isFile = (path: string) => statSync(join(import.meta.dirname, path)).isFile();
  return isFile(name) ? [name] : globSync(`${name}/**/*`, { cwd: import.meta.dirname }).filter(isFile);
}
