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
  ],
  packageOf: { "systemd-sysusers": "systemd", unxz: "xz-utils" },

  daemons: [MONOLITHIC], // Debian builds no others
};
