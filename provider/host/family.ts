/** What differs between the families of distributions. */
export interface Family {
  name: "debian";
  /** What the LXC driver, its NAT network and our own steps need. */
  packages: readonly string[];
  /** The units that serve libvirt's LXC driver. */
  services: readonly string[];
}

const debian: Family = {
  name: "debian",
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
  services: ["libvirtd.service"],
};

/** /etc/os-release (os-release(5)). */
export interface OsRelease {
  id: string;
  like: string[];
  version: string;
  name: string;
}

export function parseOsRelease(text: string): OsRelease {
  const value = (key: string) => new RegExp(`^${key}=["']?([^"'\n]*)["']?$`, "m").exec(text)?.[1] ?? "";
  return {
    id: value("ID"),
    like: value("ID_LIKE").split(" ").filter(Boolean),
    version: value("VERSION_ID"),
    name: value("PRETTY_NAME") || value("ID"),
  };
}

/** The family of a host, or why it cannot hold containers. */
export function familyOf(os: OsRelease): Family | { unsupported: string } {
  if (os.id === "debian" && os.version !== "" && Number(os.version) < 13) {
    return {
      unsupported:
        "its SELinux policy has no types for containers, and its mount cannot map ids: Debian 13 or later is needed",
    };
  }
  if (os.id === "debian") return debian;
  if (["rhel", "centos", "almalinux", "rocky"].includes(os.id)) {
    return { unsupported: "its libvirt is built without the LXC driver since version 8" };
  }
  return { unsupported: "only Debian 13 and later have been tried" };
}
