import { type Family, MONOLITHIC } from "./family.ts";

// Other users of apt, such as unattended upgrades, hold its lock for minutes: it is waited for (apt.conf(5), DPkg::Lock::Timeout).
const LOCK_TIMEOUT = 600;

export const debian: Family = {
  name: "debian",
  distributions: ["debian"],
  unsupportedReason: ({ version }) =>
    version !== "" && Number(version) < 13
      ? "its SELinux policy has no types for containers, and its mount cannot map ids: Debian 13 or later is needed"
      : undefined,

  listPackages: "dpkg-query -W -f '${db:Status-Status} ${Package}\\n' | sed -n 's/^installed //p'",
  versions: "dpkg-query -W -f '${Package} ${Version}\\n'",
  decisivePackages: ["libvirt-daemon-driver-lxc", "selinux-policy-default", "systemd", "libselinux1"],
  install: `export DEBIAN_FRONTEND=noninteractive
i() { apt-get install -y --no-install-recommends -oDPkg::Lock::Timeout=${LOCK_TIMEOUT} "$@"; }
i "$@" || { apt-get update && i "$@"; }`,
  installTimeout: 2 * LOCK_TIMEOUT + 1200, // each of two attempts waits
  packages: [
    "libvirt-daemon-driver-lxc",
    "libvirt-daemon-system",
    "libvirt-clients",
    "dnsmasq-base",
    "nftables",
    "iproute2",
    "systemd-container",
    "openssh-client",
    "procps",
    "e2fsprogs", // the disks of roots
  ],
  // Packages write /run/reboot-required where update-notifier or needrestart is installed. A new kernel is a new package.
  upgrade: `export DEBIAN_FRONTEND=noninteractive
apt() { apt-get -y -oDPkg::Lock::Timeout=${LOCK_TIMEOUT} -oDpkg::Options::=--force-confdef -oDpkg::Options::=--force-confold "$@"; }
dpkg --configure -a && apt update && apt --with-new-pkgs upgrade`,
  needsReboot: "[ -e /run/reboot-required ] || newer_kernel",
  packageOf: { "systemd-sysusers": "systemd", unxz: "xz-utils" },

  policyPackages: ["selinux-basics", "selinux-policy-default", "auditd"],
  // Debian's kernel starts AppArmor unless it is told otherwise. selinux-activate knows grub and u-boot, and its change of a file
  // that is written in another way does nothing, silently.
  bootLoader: {
    ready: "grep -qs security=selinux /boot/grub/grub.cfg /boot/extlinux/extlinux.conf",
    enable: "selinux-activate",
  },
  troubleshooting: { program: "audit2why", packages: ["auditd", "policycoreutils-python-utils"] },

  daemons: [MONOLITHIC], // Debian builds no others
};
