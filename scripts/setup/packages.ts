import { existsSync } from "node:fs";
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
};
// Some workstations have it without Debian's keys, or with older ones.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Installs what the lab needs and this machine lacks; without root it says what to run. */
export async function ensurePackages(): Promise<void> {
  const missing: string[] = [];
  for (const [program, name] of Object.entries(packageOf)) if (!(await which(program))) missing.push(name);
  if (!existsSync(keyring)) missing.push("debian-archive-keyring");
  if (missing.length === 0) return;
  if (!(await which("apt-get")))
    throw new Error(`The lab needs these Debian packages or their like: ${missing.join(", ")}`);
  const install = ["install", "--yes", "--no-install-recommends", ...missing];
  if (process.getuid?.() !== 0) {
    throw new Error(`The lab needs system packages. Run:\n  sudo apt-get update && sudo apt-get ${install.join(" ")}`);
  }
  await step(`system packages: ${missing.join(", ")}`, async () => {
    await run("apt-get", ["update", "--quiet"]);
    await run("apt-get", install, { env: { DEBIAN_FRONTEND: "noninteractive" } });
  });
}
