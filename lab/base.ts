import { chmod, copyFile, link, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cached } from "../scripts/setup/cache.ts";
import { step } from "../scripts/setup/progress.ts";
import { requireRoot } from "../scripts/setup/root.ts";
import { run } from "../scripts/setup/run.ts";
import { bootstrap } from "./bootstrap.ts";
import { digestOf } from "./digest.ts";
import { baseRecipe } from "./recipe.ts";

/** The archive in the cache, built at native speed if there is none of this recipe. */
export async function cachedBaseArchive(): Promise<string> {
  const recipe = digestOf("recipe.ts", "bootstrap.ts", "base.ts");
  return join(await cached({ name: "base", recipe, build }), "base.tar");
}

/** Puts the archive of a small Debian container root at `<dir>/base.tar`. */
export async function ensureBaseArchive(dir: string): Promise<string> {
  const archive = await cachedBaseArchive();
  const target = join(dir, "base.tar");
  await mkdir(dir, { recursive: true });
  await rm(target, { force: true });
  await link(archive, target).catch(() => copyFile(archive, target)); // another file system
  return target;
}

async function build(dir: string): Promise<void> {
  requireRoot("The container root archive");
  await step("container root archive (Debian)", async () => {
    const root = join(dir, "root");
    await bootstrap({ root, ...baseRecipe });
    await removeIdentity(root);
    await run("tar", ["--numeric-owner", "--exclude=./dev/*", "-C", root, "-cf", join(dir, "base.tar"), "."]);
    await chmod(join(dir, "base.tar"), 0o444); // it is linked into checkouts
    await rm(root, { recursive: true });
  });
}

// Every container of this archive must make its own; name and resolver are copies of the workstation's.
async function removeIdentity(root: string): Promise<void> {
  const paths = "etc/ssh/ssh_host_* etc/hostname etc/resolv.conf var/lib/dbus/machine-id";
  await run("sh", ["-c", `cd "$1" && rm -f ${paths}`, "sh", root]);
  await writeFile(join(root, "etc/machine-id"), "uninitialized\n");
}
