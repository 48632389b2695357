import { type Family, MODULAR, MONOLITHIC } from "./family.ts";

/** Distributions of Fedora's kin whose libvirt is built without the LXC driver (libvirt.spec: with_lxc is 0 where rhel is defined). */
const WITHOUT_LXC = ["rhel", "centos", "almalinux", "rocky", "ol"];

export const fedora: Family = {
  name: "fedora",
  distributions: ["fedora", ...WITHOUT_LXC],
  unsupportedReason: ({ id, version }) => {
    if (WITHOUT_LXC.includes(id)) return "its libvirt is built without the LXC driver since version 8";
    return version !== "" && Number(version) < 42
      ? "it gets no updates any more, and libvirt's packages had other names: Fedora 42 or later is needed"
      : undefined;
  },

  listPackages: "rpm -qa --qf '%{NAME}\\n'",
  versions: "rpm -q --qf '%{NAME} %{EVR}\\n'",
  decisivePackages: ["libvirt-daemon-driver-lxc", "selinux-policy-targeted", "container-selinux", "systemd"],
  // dnf waits for the lock of another one by itself. Weak dependencies would bring libvirtd, which conflicts with virtlxcd.
  install: 'dnf -y --setopt=install_weak_deps=0 install "$@"',
  installTimeout: 2400,
  packages: [
    "libvirt-daemon-driver-lxc",
    "libvirt-daemon-driver-nwfilter", // brings ebtables
    "libvirt-client",
    "container-selinux", // the policy's module refers to its types
    "policycoreutils",
    "dnsmasq",
    "nftables",
    "iproute",
    "systemd-container",
    "openssh-clients",
    "procps-ng",
    "e2fsprogs", // the disks of roots
  ],
  upgrade: "dnf -y upgrade --refresh",
  // `needs-restarting -r` says 1 for "restart"; without that plugin, the kernels tell.
  needsReboot: `dnf -q needs-restarting -r; case $? in 0) false;; 1) true;; *) newer_kernel;; esac`,
  packageOf: {
    dnf: "dnf5",
    "systemd-sysusers": "systemd",
    unxz: "xz",
    gpgv: "gnupg2",
    "debian-archive-keyring": "debian-keyring",
  },

  policyPackages: [],
  // Fedora's kernel starts SELinux unless it is told otherwise.
  bootLoader: {
    ready: "! grubby --info=ALL | grep -q selinux=0",
    enable: 'grubby --update-kernel=ALL --remove-args="selinux enforcing"',
  },
  // auditd reads its plugins anew, of which setroubleshoot is one.
  troubleshooting: {
    program: "sealert",
    packages: ["setroubleshoot-server"],
    afterwards: "auditctl --signal reload",
  },

  // Starting virtlxcd would stop a libvirtd that others use: where one is in use, it loads the same driver.
  daemons: [MODULAR, MONOLITHIC],
};
