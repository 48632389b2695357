/** Where the host's systemd-networkd is told of our containers' interfaces. It sorts before what a host may say of all interfaces. */
export const VETH_NETWORK = "/etc/systemd/network/0-svirt-lxc.network";

/**
 * A host that configures every interface (`[Match] Type=ether`, systemd.network(5)) takes those of containers out of libvirt's
 * bridge, and asks for an address on them: they would be cut off. Interfaces of virtual machines are of another driver.
 */
export const vethNetwork = `# Written by svirt-lxc: the host's ends of containers' interfaces are libvirt's.
[Match]
Driver=veth
Name=vnet*

[Link]
Unmanaged=yes
`;

/** For scripts: a networkd that runs reads its files anew. */
export const RELOAD_NETWORKD =
  "reload() { ! systemctl is-active --quiet systemd-networkd.service || networkctl reload; }";
