import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "./lock.ts";
import { cacheDir } from "./paths.ts";
import { step } from "./progress.ts";
import { run, which } from "./run.ts";

// Debian's packages for the programs that making and running the lab takes.
const packageOf: Record<string, string> = {
  "qemu-system-x86_64": "qemu-system-x86",
  "qemu-img": "qemu-utils",
  mmdebstrap: "mmdebstrap",
  setfiles: "policycoreutils",
  mke2fs: "e2fsprogs",
  ssh: "openssh-client",
  flock: "util-linux",
  systemctl: "systemd",
};
// Some workstations have it without Debian's keys, or with older ones.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Installs what the lab needs and this machine lacks; without root it says what to run. */
export async function ensurePackages(): Promise<void> {
  const missing = await lacking(packageOf);
  if (!existsSync(keyring)) missing.push("debian-archive-keyring");
  await install("The lab", missing);
}

/** The same for other programs: their names, and the packages that have them. */
export async function ensurePrograms(who: string, packages: Readonly<Record<string, string>>): Promise<void> {
  await install(who, await lacking(packages));
}

async function lacking(packages: Readonly<Record<string, string>>): Promise<string[]> {
  const missing = new Set<string>();
  for (const [program, name] of Object.entries(packages)) if (!(await which(program))) missing.add(name);
  return [...missing];
}

async function install(who: string, missing: string[]): Promise<void> {
  if (missing.length === 0) return;
  if (!(await which("apt-get")))
    throw new Error(`${who} needs these Debian packages or their like: ${missing.join(", ")}`);
  const install = ["install", "--yes", "--no-install-recommends", ...missing];
  if (process.getuid?.() !== 0) {
    throw new Error(`${who} needs system packages. Run:\n  sudo apt-get update && sudo apt-get ${install.join(" ")}`);
  }
  await mkdir(cacheDir(), { recursive: true, mode: 0o700 });
  // apt gives up where another one is at work.
  await withLock(join(cacheDir(), "apt.lock"), "system packages", () =>
    step(`system packages: ${missing.join(", ")}`, async () => {
      await run("apt-get", ["update", "--quiet"]);
      await run("apt-get", install, { env: { DEBIAN_FRONTEND: "noninteractive" } });
    }),
  );
}
