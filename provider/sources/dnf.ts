import { z } from "zod";
import { build } from "../tools/build-unit.ts";
import { certificatesFor, hostFileSchema, mirrorSchema, packagesSchema, resolveRecipe } from "./recipe.ts";
import { HOST_REMEDIES } from "./remedies.ts";
import type { Source } from "./source.ts";

/**
 * The list of the guide that this project is for. systemd only recommends today what was a part of it then: systemd-networkd, which
 * asks for the address as the guide's dhclient did, and systemd-resolved.
 */
const PACKAGES =
  "systemd systemd-networkd systemd-resolved passwd yum fedora-release vim-minimal openssh-server procps-ng iproute net-tools".split(
    " ",
  );
const KEYS = "/usr/share/distribution-gpg-keys/fedora";

const repository = z
  .strictObject({
    /** Address of the repository: what has repodata/ in it. */
    baseurl: mirrorSchema.optional(),
    /** Address of a list of mirrors. */
    metalink: mirrorSchema.optional(),
    /** The keys, on the host, of which one must have signed each package. */
    gpgkey: hostFileSchema,
  })
  .refine(({ baseurl, metalink }) => (baseurl === undefined) !== (metalink === undefined), {
    error: "must have either baseurl or metalink",
    path: ["baseurl"],
  });

const input = z.strictObject({
  /** The release of Fedora. */
  release: z.int().min(1),
  /** What is installed, and what it requires; nothing that is only recommended. */
  packages: packagesSchema.default(PACKAGES.toSorted()),
  /** Repositories that packages are taken from, by name. Default: Fedora's own, with its updates. */
  repositories: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9_-]*$/, "must be lower-case letters, digits, _ and -"), repository)
    .refine((all) => Object.keys(all).length > 0, "must have a repository, or be left out")
    .refine((all) => !Object.hasOwn(all, "main"), {
      error: "means the settings of dnf itself, not a repository: give it another name",
      path: ["main"],
    })
    .optional(),
});
type Recipe = z.output<typeof input>;

// One line for dnf 4 and 5. All that it reads is given: of the host's own configuration, plugins and variables nothing counts but a proxy. The
// macros are those of rpm for which there is no option: where Fedora has its database, how users are made (packages declare them
// by sysusers.d(5)), and none of the plugins that act on the host: labels by the host's policy and the path in the root would be
// wrong ones. Nothing of ours is mounted on /tmp, whose mode is the image's. A scriptlet or an owner that fails is only told in a
// line of text.
const SCRIPT = `
release=$1 configuration=$2; shift 2
work=$staging/work
mkdir -p "$work/home" "$work/empty" "$work/log" "$work/cache" "$work/persist" "$root/dev" "$root/proc" "$root/run" || return
chmod 0755 "$root/dev" "$root/proc" "$root/run"
printf '%s' "$configuration" >"$work/dnf.conf"
{
  echo '%_dbpath /usr/lib/sysimage/rpm'
  echo '%__systemd_sysusers /usr/bin/systemd-sysusers'
  for plugin in selinux audit syslog systemd_inhibit dbus_announce fapolicyd unshare; do echo "%__transaction_$plugin %{nil}"; done
} >"$work/home/.rpmmacros"
mount -t tmpfs -o mode=0755 dev "$root/dev" && mount -t proc -o nosuid,nodev,noexec proc "$root/proc" && mount -t tmpfs -o mode=0755 run "$root/run" || return
for node in null zero full random urandom; do : >"$root/dev/$node"; mount --bind "/dev/$node" "$root/dev/$node" || return; done
ln -s /proc/self/fd "$root/dev/fd"
{
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME="$work/home" \\
    \${http_proxy:+http_proxy="$http_proxy"} \${https_proxy:+https_proxy="$https_proxy"} \${no_proxy:+no_proxy="$no_proxy"} \\
    dnf -y --config="$work/dnf.conf" --installroot="$root" --releasever="$release" --noplugins \\
    --setopt=reposdir="$work/empty" --setopt=varsdir="$work/empty" --setopt=pluginconfpath="$work/empty" \\
    --setopt=cachedir="$work/cache" --setopt=system_cachedir="$work/cache" --setopt=persistdir="$work/persist" \\
    --setopt=logdir="$work/log" --setopt=install_weak_deps=0 --setopt=keepcache=0 --setopt=best=1 \\
    --setopt=skip_if_unavailable=0 --setopt=tsflags=nodocs,nocontexts install "$@" 2>&1
  echo $? >"$work/code"
} | tee "$work/said"
[ "$(cat "$work/code")" = 0 ] || return
! grep -E 'scriptlet failed|Non-critical error|does not exist - using root' "$work/said" >&2 || return
umount -R "$root/dev" "$root/proc" "$root/run" || return
rm -rf "$root$staging" && rmdir -p --ignore-fail-on-non-empty "$root\${staging%/*}"
wrong=$(rpm --root "$root" --dbpath /usr/lib/sysimage/rpm -Va --nodeps --nofiledigest --nosize --nomtime --nordev 2>/dev/null | grep -E '^.{5}(U|.G)')
[ -z "$wrong" ] || { echo "files do not have the owners that their packages say:"; printf '%s\\n' "$wrong" | head; return 1; }
rpm --root "$root" --dbpath /usr/lib/sysimage/rpm -qa --qf '%{NAME}.%{ARCH}=%{EPOCHNUM}:%{VERSION}-%{RELEASE} ' | tr ' ' '\\n' |
  grep -v '^gpg-pubkey' | LC_ALL=C sort | tr '\\n' ' ' >"$staging/packages"
rm -rf "$work"`;

// rpm has the program that checks signatures, and Debian's dnf only recommends it.
/** A Fedora root made of packages, as `dnf --installroot` does it. */
export const dnf: Source<Recipe> = {
  input,
  resolve: (wanted) => resolveRecipe("dnf", wanted),
  needs: ({ release, repositories }) => [
    "dnf",
    "rpm",
    ...(repositories ? [] : ["distribution-gpg-keys"]),
    ...certificatesFor(
      Object.values(repositories ?? usual(release)).flatMap(({ baseurl, metalink }) => baseurl ?? metalink ?? []),
    ),
  ],
  fill: (recipe, _, staging) =>
    build({
      title: `Building the image of packages: Fedora ${recipe.release}`,
      staging,
      script: SCRIPT,
      args: [String(recipe.release), configuration(recipe), ...recipe.packages],
      remedies: [
        [
          "GPG check FAILED|is not signed|not signed|wrong key|does not have any OpenPGP keys|Public key for .* is not installed|[Cc]ouldn.t open file .*(gpg|key)",
          "give the gpgkey, on the host, that has the key of this repository",
        ],
        ["Unable to find a match|No match for argument", "correct the names of the packages"],
        ["incorrect checksum|checksum doesn.t match", "take another mirror, or wait until this one is whole"],
        [
          "Status code: 404|Couldn.t (read a|open) file",
          "correct the release or the address of the repository: it has no such one",
        ],
        [
          "scriptlet failed|using root",
          "the host's rpm is too old for these packages, or they are broken: take a newer host, or older packages",
        ],
        ...HOST_REMEDIES,
      ],
    }),
};

/** Fedora's own repositories. */
function usual(release: number): NonNullable<Recipe["repositories"]> {
  const of = (repo: string) => ({
    metalink: `https://mirrors.fedoraproject.org/metalink?repo=${repo}&arch=$basearch`,
    gpgkey: `${KEYS}/RPM-GPG-KEY-fedora-${release}-primary`,
  });
  return { fedora: of(`fedora-${release}`), updates: of(`updates-released-f${release}`) };
}

/** dnf.conf(5), with all repositories. Fedora signs packages, not its metadata: these are trusted by https and their checksums. */
function configuration({ release, repositories }: Recipe): string {
  const sections = Object.entries(repositories ?? usual(release)).map(([name, { baseurl, metalink, gpgkey }]) =>
    [
      `[${name}]`,
      `name=${name}`,
      baseurl === undefined ? `metalink=${metalink}` : `baseurl=${baseurl}`,
      `gpgkey=file://${gpgkey}`,
      "gpgcheck=1",
      "repo_gpgcheck=0",
      "enabled=1",
    ].join("\n"),
  );
  return `[main]\ngpgcheck=1\n\n${sections.join("\n\n")}\n`;
}
