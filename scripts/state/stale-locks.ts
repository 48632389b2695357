import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

/** The locks of a file backend whose engine has died on this machine. Each engine has a file of its own, so none is another's. */
export async function locksOfTheDead(backend: string): Promise<string[]> {
  const cwd = join(backend, ".pulumi/locks");
  const locks = globSync("**/*.json", { cwd }).map((lock) => join(cwd, lock));
  const dead = await Promise.all(locks.map(holderIsDead));
  return locks.filter((_, i) => dead[i]);
}

async function holderIsDead(lock: string): Promise<boolean> {
  try {
    const holder = JSON.parse(await readFile(lock, "utf8"));
    return holder.hostname === hostname() && !isAlive(holder.pid);
  } catch {
    return false; // just released, or not to be read: somebody may hold it
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"; // somebody else's
  }
}
