import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "./lock.ts";
import { cacheDir } from "./paths.ts";
import { prune, touch } from "./prune.ts";
import { removeBuild } from "./remove.ts";
import { giveToCaller } from "./root.ts";

/** Something that takes long to make and depends on nothing but its recipe. */
export interface CacheEntry {
  name: string;
  recipe: unknown;
  /** Fills the folder, which is renamed into place afterwards: a killed build leaves no half entry. */
  build: (dir: string) => Promise<void>;
}

/** The folder of an entry, built if there is none yet. */
export async function cached(entry: CacheEntry): Promise<string> {
  const there = await cachedAlready(entry);
  if (there) return there;
  const target = cachePath(entry);
  await mkdir(cacheDir(), { recursive: true, mode: 0o700 });
  return withLock(`${target}.lock`, entry.name, async () => {
    if (existsSync(target)) return target;
    await removeLeftovers(`${target}.tmp-`);
    const temporary = await mkdtemp(`${target}.tmp-`);
    try {
      await entry.build(temporary);
      await giveToCaller("-R", temporary);
      await giveToCaller(cacheDir(), `${target}.lock`);
      await rename(temporary, target);
      await prune(target, entry.name);
    } finally {
      await removeBuild(temporary);
    }
    return target;
  });
}

/** The folder of an entry, if it was built. */
export async function cachedAlready(entry: Pick<CacheEntry, "name" | "recipe">): Promise<string | undefined> {
  const target = cachePath(entry);
  if (!existsSync(target)) return undefined;
  await touch(target);
  return target;
}

/** Where an entry is, or would be. */
function cachePath({ name, recipe }: Pick<CacheEntry, "name" | "recipe">): string {
  const key = createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 16);
  return join(cacheDir(), `${name}-${key}`);
}

// Nobody else builds this entry while we hold its lock: what lies there was left by a run that was killed.
async function removeLeftovers(prefix: string): Promise<void> {
  for (const name of await readdir(cacheDir())) {
    const path = join(cacheDir(), name);
    if (path.startsWith(prefix)) await removeBuild(path);
  }
}
