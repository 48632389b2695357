import { globSync } from "node:fs";
import { chmod, copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cached } from "../scripts/setup/cache.ts";
import { step } from "../scripts/setup/progress.ts";
import { requireRoot } from "../scripts/setup/root.ts";
import { run } from "../scripts/setup/run.ts";
import { bootstrap } from "./bootstrap.ts";
import { digestOf } from "./digest.ts";
import { labRecipe } from "./recipe.ts";

const files = join(import.meta.dirname, "root");

/** The parts of a lab host that every lab shares, read only. */
export interface LabImage {
  dir: string;
  disk: string;
  kernel: string;
  initrd: string;
  /** The private key that root's login takes; the lab answers on loopback only. */
  clientKey: string;
  hostKey: string;
}

/** The image of the lab host, built if there is none of this recipe. */
export async function ensureImage(): Promise<LabImage> {
  const recipe = digestOf("recipe.ts", "bootstrap.ts", "image.ts", "root");
  const dir = await cached({ name: "lab", recipe, build });
  const at = (name: string) => join(dir, name);
  return {
    dir,
    disk: at("disk.raw"),
    kernel: at("vmlinuz"),
    initrd: at("initrd.img"),
    clientKey: at("id_ed25519"),
    hostKey: (await readFile(at("host_key.pub"), "utf8")).trim(),
  };
}

async function build(dir: string): Promise<void> {
  requireRoot("The lab host's disk");
  const root = join(dir, "root");
  await step("lab host: Debian with SELinux and libvirt", async () => {
    await bootstrap({ root, ...labRecipe, files });
    await configure(root);
    await addKeys(dir, root);
  });
  await step("lab host: labels and disk", async () => {
    await extractKernel(dir, root);
    await label(root);
    await makeDisk(dir, root);
    await rm(root, { recursive: true });
  });
}

async function configure(root: string): Promise<void> {
  await run("systemctl", ["--root", root, "enable", ...labRecipe.enable]);
  await run("systemctl", ["--root", root, "mask", ...labRecipe.mask]);
  const config = join(root, "etc/selinux/config");
  const text = await readFile(config, "utf8");
  await writeFile(config, text.replace(/^SELINUX=.*/m, "SELINUX=enforcing"));
}

async function addKeys(dir: string, root: string): Promise<void> {
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", join(dir, "id_ed25519")]);
  await mkdir(join(root, "root/.ssh"), { mode: 0o700, recursive: true });
  await copyFile(join(dir, "id_ed25519.pub"), join(root, "root/.ssh/authorized_keys"));
  await copyFile(join(root, "etc/ssh/ssh_host_ed25519_key.pub"), join(dir, "host_key.pub"));
}

async function extractKernel(dir: string, root: string): Promise<void> {
  for (const name of ["vmlinuz", "initrd.img"]) {
    const [found] = globSync(`${root}/boot/${name}-*`);
    if (!found) throw new Error(`the lab image has no ${name}`);
    await rename(found, join(dir, name));
  }
}

// With the image's own policy, before its first boot: it comes up enforcing without ever having run a relabel.
async function label(root: string): Promise<void> {
  const contexts = join(root, "etc/selinux/default/contexts/files/file_contexts");
  await run("setfiles", ["-F", "-r", root, contexts, root]);
}

async function makeDisk(dir: string, root: string): Promise<void> {
  const disk = join(dir, "disk.raw");
  await run("mke2fs", ["-q", "-t", "ext4", "-L", "lab", "-d", root, disk, labRecipe.diskSize]);
  await chmod(disk, 0o600);
}
