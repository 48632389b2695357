import { z } from "zod";
import { build } from "../tools/build-unit.ts";
import { certificatesFor, hostFileSchema, mirrorSchema, packagesSchema, resolveRecipe } from "./recipe.ts";
import { HOST_REMEDIES } from "./remedies.ts";
import type { Source } from "./source.ts";

/** What a container of systemd with DHCP, ssh and the usual tools needs. */
const PACKAGES = [
  ..."systemd-sysv libpam-systemd libnss-systemd dbus passwd openssh-server iproute2 net-tools procps vim-tiny".split(
    " ",
  ),
];
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

const word = /^[a-z][a-z0-9./-]*$/;
const suite = z.string().regex(word, "must be the name of a suite, such as trixie");

const mirror = z.strictObject({
  /** Address of the archive. */
  url: mirrorSchema,
  /** Default: the suite of the image. */
  suite: suite.optional(),
  /** Default: main. */
  components: z.array(z.string().regex(word, "must be the name of a component, such as main")).min(1).default(["main"]),
});

const input = z.strictObject({
  /** The release of Debian. */
  suite,
  /** What is installed besides the essential packages, and what these need; nothing that is only recommended. */
  packages: packagesSchema.default(PACKAGES.toSorted()),
  /** Archives that packages are taken from. Default: Debian's own, with its updates and security updates. */
  mirrors: z.array(mirror).min(1).optional(),
  /** The keys, on the host, of which one must have signed each archive. Default: Debian's own. */
  keyring: hostFileSchema.default(KEYRING),
});
type Recipe = z.output<typeof input>;

// The keys that the host trusts would count, too: only those that a source names are the ones. Which archives Debian has for a suite
// (with its updates and security updates) mmdebstrap knows. What it copies of the host is removed, as are the keys that
// openssh-server made: nobody is to share them.
const SCRIPT = `
keyring=$1 suite=$2 packages=$3; shift 3
mmdebstrap --mode=root --format=directory --variant=minbase --include="$packages" \\
  --setup-hook="sed -i -E 's#^deb( \\[[^]]*\\])? #deb [signed-by=$keyring] #' \\"\\$1/etc/apt/sources.list\\"" \\
  --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' "$suite" "$root" "$@" || return
rm -f "$root/etc/hostname" "$root/etc/resolv.conf" "$root"/etc/ssh/ssh_host_*
[ -e "$root$keyring" ] || install -D -m 0644 "$keyring" "$root$keyring" || return
dpkg-query --admindir="$root/var/lib/dpkg" -W -f '\${Package}:\${Architecture}=\${Version} ' >"$staging/packages"`;

/** A Debian root made of packages, by mmdebstrap(1). */
export const apt: Source<Recipe> = {
  input,
  resolve: (wanted) => resolveRecipe("apt", wanted),
  needs: ({ keyring, mirrors = [] }) => [
    "mmdebstrap",
    ...(keyring === KEYRING ? ["debian-archive-keyring"] : []),
    ...certificatesFor(mirrors.map(({ url }) => url)),
  ],
  fill: (recipe, _, staging) =>
    build({
      title: `Building the image of packages: ${recipe.suite}`,
      staging,
      script: SCRIPT,
      args: [recipe.keyring, recipe.suite, recipe.packages.join(","), ...sourceLines(recipe)],
      remedies: [
        [
          "does not have a Release file|404 +Not Found",
          "correct the suite or the address of the mirror: it has no such release",
        ],
        [
          "is not signed|NO_PUBKEY|keyring.*(does not exist|No such file)",
          "give the keyring, on the host, that has the key of this archive",
        ],
        ["Unable to locate package|has no installation candidate", "correct the names of the packages"],
        ["is expired|not valid yet", "take a mirror that is up to date, or set the host's clock"],
        ...HOST_REMEDIES,
      ],
    }),
};

/**
 * Lines of sources.list(5); none for the archives that mmdebstrap takes by itself. An archive on the host is copied from: dpkg runs
 * inside the root, and does not reach it (mmdebstrap(1), "file://").
 */
function sourceLines({ suite, mirrors = [] }: Recipe): string[] {
  return mirrors.map(({ url, suite: own = suite, components }) => {
    const address = url.replace(/^file:/, "copy:");
    return `deb ${address} ${own} ${components.join(" ")}`;
  });
}
