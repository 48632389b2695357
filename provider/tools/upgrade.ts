/** How a family of distributions upgrades its packages. Each is a script of sh. */
interface Upgrade {
  /** ID or ID_LIKE of os-release(5). */
  ids: readonly string[];
  upgrade: string;
  /** Succeeds if a reboot is needed, and fails with 1 if none is, or none that it knows of. */
  needsReboot: string;
}

/**
 * Debian: other users of apt, such as unattended upgrades, hold its lock for minutes, so it is waited for (apt.conf(5),
 * DPkg::Lock::Timeout). An upgrade that broke off is completed first. Packages write /run/reboot-required where
 * update-notifier or needrestart is installed. A new kernel is a new package.
 * Fedora: `needs-restarting -r` says 1 for "reboot"; without that plugin, the kernels tell.
 */
const UPGRADES: readonly Upgrade[] = [
  {
    ids: ["debian"],
    upgrade: `export DEBIAN_FRONTEND=noninteractive
apt() { apt-get -y -oDPkg::Lock::Timeout=600 -oDpkg::Options::=--force-confdef -oDpkg::Options::=--force-confold "$@"; }
dpkg --configure -a && apt update && apt --with-new-pkgs upgrade`,
    needsReboot: "[ -e /run/reboot-required ] || newer_kernel",
  },
  {
    ids: ["fedora"],
    upgrade: "dnf -y upgrade --refresh",
    needsReboot: `dnf -q needs-restarting -r; case $? in 0) false;; 1) true;; *) newer_kernel;; esac`,
  },
];

/** Kernels lie in /boot, or with their modules (kernel-install(8)). */
const NEWER_KERNEL = `newer_kernel() {
  running=$(uname -r)
  newest=$({ echo "$running"; for f in /boot/vmlinuz-*[0-9]* /usr/lib/modules/*/vmlinuz; do
    case $f in *'*'*) ;; /boot/*) echo "\${f#/boot/vmlinuz-}";; *) f=\${f%/vmlinuz}; echo "\${f##*/}";; esac
  done; } | sort -V | tail -n 1)
  [ "$newest" != "$running" ]
}`;

const ANSWER = "needs-reboot=";

/**
 * A script of sh that upgrades the packages of a host, and prints whether it needs a reboot. What the packages say goes to
 * standard error. Another machine than the one that is expected is left alone.
 */
export function upgradeScript(machine: string): string {
  const cases = UPGRADES.map(
    ({ ids, upgrade, needsReboot }) => `${ids.map((id) => `*" ${id} "*`).join("|")})
upgrade() {
${upgrade}
}
needs_reboot() {
${needsReboot}
};;`,
  );
  return `exec 3>&1 >&2
[ "$(cat /etc/machine-id)" = "${machine}" ] || { echo "this is another machine than the one that the state knows: /etc/machine-id is not ${machine}"; exit 1; }
${NEWER_KERNEL}
. /etc/os-release
case " $ID $ID_LIKE " in
${cases.join("\n")}
*) echo "no upgrade is known for $PRETTY_NAME: only of ${UPGRADES.map(({ ids }) => ids[0]).join(" and ")}"; exit 1;;
esac
upgrade || exit
if needs_reboot; then echo ${ANSWER}true >&3; else echo ${ANSWER}false >&3; fi`;
}

/** What an upgrade printed: does the host need a reboot? */
export function needsReboot(stdout: string): boolean {
  return stdout.includes(`${ANSWER}true`);
}
