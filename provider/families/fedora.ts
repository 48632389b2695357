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
  // dnf waits for the lock of another one by itself. Weak dependencies would bring libvirtd, which conflicts with virtlxcd.
  install: 'dnf -y --setopt=install_weak_deps=0 install "$@"',
  installTimeout: 2400,
  packages: [
    "libvirt-daemon-driver-lxc",
    "libvirt-client",
    "container-selinux", // the policy's module refers to its types
    "policycoreutils",
    "dnsmasq",
    "nftables",
    "iproute",
    "systemd-container",
    "openssh-clients",
    "procps-ng",
  ],
  packageOf: { dnf: "dnf5", "systemd-sysusers": "systemd", unxz: "xz", gpgv: "gnupg2" },

  // Starting virtlxcd would stop a libvirtd that others use: where one is in use, it loads the same driver.
  daemons: [MODULAR, MONOLITHIC],
};
