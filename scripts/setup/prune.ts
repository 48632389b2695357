import { readdir, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";

const unusedDays = 14;

/** Notes that a cache entry has been used. */
export async function touch(entry: string): Promise<void> {
  const now = new Date();
  await utimes(entry, now, now).catch(() => undefined); // made by root for this user: no matter
}

/** Removes what other recipes of the same thing have left, once nobody has used it for two weeks. */
export async function prune(entry: string, name: string): Promise<void> {
  const cache = dirname(entry);
  // Also what a build that was killed has left of a recipe that nobody builds any more.
  const siblings = (await readdir(cache)).filter((other) => other.replace(/-[0-9a-f]{16}(\.tmp-.*)?$/, "") === name);
  for (const path of siblings.map((other) => join(cache, other))) {
    const used = await stat(path).catch(() => undefined); // gone meanwhile
    if (path === entry || !used || (Date.now() - used.mtimeMs) / 86_400_000 < unusedDays) continue;
    await rm(path, { recursive: true, force: true });
    await rm(`${path}.lock`, { force: true });
  }
}
