/** Where the host's udev is told of our containers' interfaces. It sorts before the distributions' 99-default.link. */
export const VETH_LINK = "/etc/systemd/network/80-svirt-lxc.link";

/**
 * libvirt makes a container's interface first and sets its MAC then. A udev with MACAddressPolicy=persistent, which is the
 * distributions' default (systemd.link(5)), may set one of its own in between or after: the container would never get the
 * address that is kept for it. Names stay as libvirt gave them. udev reads the file by itself.
 */
export const vethLink = `# Written by svirt-lxc: the MACs of containers are libvirt's.
[Match]
Driver=veth
OriginalName=vnet*

[Link]
MACAddressPolicy=none
`;
