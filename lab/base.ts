import { chmod, copyFile, link, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cached } from "../scripts/setup/cache.ts";
import { step } from "../scripts/setup/progress.ts";
import { requireRoot } from "../scripts/setup/root.ts";
import { run } from "../scripts/setup/run.ts";
import { digestOf } from "./digest.ts";
import { baseRecipe } from "./recipe.ts";

/** An archive as the tool leaves it, and the lab's own, which is made of that: without documentation and without an identity. */
const STRAIGHT = "debian.tar";
const BASE = "base.tar";

/** The folder of the archives in the cache, built at native speed if there are none of this recipe. */
export async function cachedArchives(): Promise<string> {
  return cached({ name: "base", recipe: digestOf("recipe.ts", "base.ts"), build });
}

/** Puts the archives of small Debian container roots at `<dir>/base.tar` and, as mmdebstrap makes it, `<dir>/debian.tar`. */
export async function ensureArchives(dir: string): Promise<void> {
  const cache = await cachedArchives();
  await mkdir(dir, { recursive: true });
  for (const name of [BASE, STRAIGHT]) {
    const target = join(dir, name);
    await rm(target, { force: true });
    await link(join(cache, name), target).catch(() => copyFile(join(cache, name), target)); // another file system
  }
}

async function build(dir: string): Promise<void> {
  requireRoot("The container root archive");
  await step("container root archive (Debian)", async () => {
    await run("mmdebstrap", [...baseRecipe.command.slice(1), join(dir, STRAIGHT)]);
    const root = join(dir, "root");
    await mkdir(root);
    const without = ["./dev/*", ...baseRecipe.exclude].map((path) => `--exclude=${path}`);
    await run("tar", [...without, "--anchored", "-p", "--numeric-owner", "-C", root, "-xf", join(dir, STRAIGHT)]);
    await removeIdentity(root);
    await run("tar", ["--numeric-owner", "-C", root, "-cf", join(dir, BASE), "."]);
    // they are linked into checkouts
    for (const name of [BASE, STRAIGHT]) await chmod(join(dir, name), 0o444);
    await rm(root, { recursive: true });
  });
}

// Every container of this archive must make its own; name and resolver are copies of the workstation's.
async function removeIdentity(root: string): Promise<void> {
  const paths = "etc/ssh/ssh_host_* etc/hostname etc/resolv.conf var/lib/dbus/machine-id";
  await run("sh", ["-c", `cd "$1" && rm -f ${paths}`, "sh", root]);
  await writeFile(join(root, "etc/machine-id"), "uninitialized\n");
}
