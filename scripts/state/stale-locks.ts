import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname } from "node:path";

/** The stacks of a file backend that are locked only by engines that have died on this machine. */
export async function stacksLockedByTheDead(backend: string): Promise<string[]> {
  const locks = globSync(`${backend}/.pulumi/locks/**/*.json`);
  const dead = new Map<string, boolean>();
  for (const lock of locks) {
    const stack = basename(dirname(lock));
    dead.set(stack, (await holderIsDead(lock)) && dead.get(stack) !== false);
  }
  return [...dead].filter(([, isDead]) => isDead).map(([stack]) => stack);
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
