// Bookworm's policy has no container_t: trixie is the first Debian whose policy knows containers.
const suite = "trixie";

/** What the lab host is made of; the cached image is keyed by this and by the files in root/. */
export const labRecipe = {
  suite,
  diskSize: "16G",
  packages: [
    // a host: the cloud kernel has all that containers need, and a third of the modules
    ..."linux-image-cloud-amd64 initramfs-tools systemd systemd-sysv systemd-container libpam-systemd dbus udev kmod".split(
      " ",
    ),
    ..."openssh-server sudo openssl procps iproute2 nftables iptables e2fsprogs".split(" "),
    // SELinux, and the tools to ask it questions
    ..."selinux-basics selinux-policy-default policycoreutils policycoreutils-python-utils semodule-utils".split(" "),
    ..."setools auditd".split(" "),
    // libvirt with its LXC driver
    ..."libvirt-daemon-system libvirt-daemon-driver-lxc libvirt-clients dnsmasq-base".split(" "),
  ],
  enable: ["systemd-networkd.service", "ssh.service", "auditd.service"],
  // what would only wake up to do nothing on a machine without network and without a person at its console;
  // the generator would make units from network options on the kernel's command line, and the policy refuses it
  mask: [
    "systemd-network-generator.service",
    ..."apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer".split(" "),
    ..."getty@.service serial-getty@.service systemd-networkd-wait-online.service".split(" "),
  ],
};

/** What a systemd container with DHCP and ssh needs besides the smallest root. */
export const basePackages = "systemd-sysv libpam-systemd libnss-systemd dbus openssh-server iproute2".split(" ");

/** What the small root of a container is made of: no kernel. */
export const baseRecipe = {
  /** The very command of README, less the name of the archive. */
  command: ["mmdebstrap", "--variant=minbase", `--include=${basePackages.join(",")}`, suite],
  // documentation and translations are a third of a small root
  exclude: ["doc", "man", "info", "locale", "lintian"].map((folder) => `./usr/share/${folder}/*`),
};
