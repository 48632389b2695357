import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { cachedArchives } from "../../lab/base.ts";
import { basePackages } from "../../lab/recipe.ts";
import { cached } from "../../scripts/setup/cache.ts";
import { ensurePackages, ensurePrograms } from "../../scripts/setup/packages.ts";
import { makeRpms } from "./rpms.ts";

/** The folders of package repositories that were made, and their keys. */
export interface Repositories {
  /** Holds all of the following, for a copy. */
  dir: string;
}

/** What is in the folder: a Debian archive of the suite trixie, a Fedora repository, the key of both, and one of nobody. */
export const paths = { debian: "debian", fedora: "fedora", key: "key.asc", otherKey: "other.asc" };

/** The suite of the Debian archive. */
export const SUITE = "trixie";

/** What hosts of Debian install to build images: of these, and of what they need, the archive has all that a small root lacks. */
const TOOLS = ["dnf", "rpm", "mmdebstrap", "debian-archive-keyring", "curl"];
/** What a root is made of, of which it has all: apt's names of mmdebstrap's smallest variant, and what a container needs. */
const ROOT = ["?essential", "?priority(required)", "apt", ...basePackages];

const programs: Readonly<Record<string, string>> = {
  rpmbuild: "rpm",
  rpmsign: "rpm",
  createrepo_c: "createrepo-c",
  gpg: "gpg",
  "gpg-agent": "gpg-agent",
  "dpkg-scanpackages": "dpkg-dev",
  dnf: "dnf", // a stand-in host has the programs of this machine
};

/**
 * Repositories as a site might have them, signed with a key of their own: the packages of Debian that a host needs to build images,
 * and a Fedora of packages that were made of the tree of a Debian root, under the names of the guide's list.
 */
export async function ensureRepositories(): Promise<Repositories> {
  await ensurePackages();
  await ensurePrograms("A package repository", programs);
  const sources = await Promise.all(
    ["repositories.ts", "rpms.ts"].map((file) => readFile(join(import.meta.dirname, file), "utf8")),
  );
  return { dir: await cached({ name: "repositories", recipe: sources, build }) };
}

async function build(dir: string): Promise<void> {
  const home = join(dir, "gnupg");
  await mkdir(home, { mode: 0o700 });
  for (const [name, file] of [
    ["repository", paths.key],
    ["somebody", paths.otherKey],
  ] as const) {
    const batch = [
      "%no-protection",
      "Key-Type: RSA",
      "Key-Length: 2048",
      `Name-Email: ${name}@svirt-lxc.test`,
      "Expire-Date: 0",
    ];
    await execa("gpg", ["--homedir", home, "--batch", "--gen-key"], { input: `${batch.join("\n")}\n` });
    const { stdout } = await execa("gpg", ["--homedir", home, "--armor", "--export", `${name}@svirt-lxc.test`]);
    await writeFile(join(dir, file), `${stdout}\n`);
  }
  const root = join(dir, "root");
  await mkdir(root);
  await execa("tar", ["-x", "-p", "--numeric-owner", "-C", root, "-f", join(await cachedArchives(), "base.tar")]);
  await makeDebian(join(dir, paths.debian), join(root, "var/lib/dpkg/status"), home);
  await makeRpms({ root, target: join(dir, paths.fedora), home });
  await execa("gpgconf", ["--homedir", home, "--kill", "all"]);
  for (const folder of [root, home]) await rm(folder, { recursive: true });
}

/** An archive with the packages that a root lacks for the tools, and those of a root. */
async function makeDebian(target: string, status: string, home: string): Promise<void> {
  const root = join(target, "root");
  const pool = join(target, "pool");
  await mkdir(pool, { recursive: true });
  // mmdebstrap knows Debian's archives, and has apt ask them of this root as of any other.
  const download = (packages: string[]) =>
    `APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -y --no-install-recommends --download-only install ${packages.map((name) => `'${name}'`).join(" ")}`;
  const hooks = [
    download(ROOT),
    `cp '${status}' "$1/var/lib/dpkg/status"`,
    download(TOOLS),
    `cp "$1"/var/cache/apt/archives/*.deb '${pool}'`,
  ];
  const options = [
    "--mode=root",
    "--variant=custom",
    "--format=directory",
    ...hooks.map((hook) => `--customize-hook=${hook}`),
  ];
  await execa("mmdebstrap", [...options, SUITE, root]);
  await rm(root, { recursive: true });

  const index = `main/binary-amd64/Packages`;
  const release = join(target, "dists", SUITE);
  await mkdir(join(release, "main/binary-amd64"), { recursive: true });
  const { stdout } = await execa("dpkg-scanpackages", ["--multiversion", "pool"], { cwd: target });
  await writeFile(join(release, index), `${stdout}\n`);
  const text = Buffer.from(`${stdout}\n`);
  const lines = [
    ...["Origin: svirt-lxc", `Suite: ${SUITE}`, `Codename: ${SUITE}`, "Architectures: amd64", "Components: main"],
    `Date: ${new Date().toUTCString()}`,
    "SHA256:",
    ` ${createHash("sha256").update(text).digest("hex")} ${text.length} ${index}`,
  ];
  await writeFile(join(release, "Release"), `${lines.join("\n")}\n`);
  const sign = ["--homedir", home, "--batch", "-u", "repository@svirt-lxc.test", "--clearsign"];
  await execa("gpg", [...sign, "-o", join(release, "InRelease"), join(release, "Release")]);
  if ((await readdir(pool)).length === 0) throw new Error("the Debian archive is empty");
}
