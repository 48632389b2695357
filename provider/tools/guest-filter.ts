import type { Step } from "../host/batch.ts";
import { virsh } from "./virsh.ts";

/**
 * The filter of libvirt's (https://libvirt.org/formatnwfilter.html) on the interface of every container: what it sends has its own
 * MAC, and its own address as source. Containers of all networks and stacks share it.
 */
export const GUEST_FILTER = "svirt-lxc-guest";

/** The filter of those that have IPv6 as well. */
export const GUEST_FILTER_6 = "svirt-lxc-guest-ipv6";

/**
 * "out" is what leaves the container. libvirt knows $MAC; the domain gives $IP. All of it stands in one chain: each further one
 * costs the start of a container as much as all of these rules. In the form in which libvirt prints it, so that texts compare.
 */
const IPV4 = `<filter name='${GUEST_FILTER}' chain='root'>
  <uuid>5f1c5b8e-5d0c-4b7e-9c2e-0e4d0a6f7a11</uuid>
  <rule action='drop' direction='out' priority='100'>
    <mac match='no' srcmacaddr='$MAC'/>
  </rule>
  <rule action='accept' direction='out' priority='200'>
    <ip srcipaddr='0.0.0.0' dstipaddr='255.255.255.255' protocol='udp' srcportstart='68' dstportstart='67'/>
  </rule>
  <rule action='drop' direction='out' priority='300'>
    <ip protocol='udp' srcportstart='67'/>
  </rule>
  <rule action='accept' direction='out' priority='400'>
    <ip srcipaddr='$IP'/>
  </rule>
  <rule action='accept' direction='out' priority='500'>
    <arp arpsrcmacaddr='$MAC' arpsrcipaddr='$IP'/>
  </rule>
  <rule action='accept' direction='out' priority='600'>
    <arp opcode='Request' arpsrcmacaddr='$MAC' arpsrcipaddr='0.0.0.0'/>
  </rule>
  <rule action='drop' direction='out' priority='900'/>
</filter>`;

/**
 * Besides: its own address of IPv6 ($IPV6), without what only routers (types 133, 134 and 137) and DHCP servers say; of its
 * link-local address ($LINKLOCAL), and of none while it looks whether somebody has its address (RFC 4862), neighbour discovery only
 * (types 135 and 136). A filter of libvirt's does not look at the address that is advertised: the host's rules do (network-rules-6.ts).
 */
const IPV6 = `<filter name='${GUEST_FILTER_6}' chain='root'>
  <uuid>0d3b1f2c-7a5e-4c0b-8f59-6c1a2e9d4b63</uuid>
  <filterref filter='${GUEST_FILTER}'/>
  <rule action='drop' direction='out' priority='700'>
    <ipv6 protocol='icmpv6' type='133' typeend='134'/>
  </rule>
  <rule action='drop' direction='out' priority='710'>
    <ipv6 protocol='icmpv6' type='137'/>
  </rule>
  <rule action='drop' direction='out' priority='720'>
    <ipv6 protocol='udp' srcportstart='547'/>
  </rule>
  <rule action='accept' direction='out' priority='730'>
    <ipv6 srcipaddr='$IPV6'/>
  </rule>
  <rule action='accept' direction='out' priority='740'>
    <ipv6 srcipaddr='$LINKLOCAL' protocol='icmpv6' type='135' typeend='136'/>
  </rule>
  <rule action='accept' direction='out' priority='750'>
    <ipv6 srcipaddr='::' protocol='icmpv6' type='135'/>
  </rule>
</filter>`;

const DEFINITIONS = { [GUEST_FILTER]: IPV4, [GUEST_FILTER_6]: IPV6 };
type GuestFilter = keyof typeof DEFINITIONS;

/** Where libvirt keeps a definition: in the form in which it prints it, below a comment. */
export function guestFilterFile(filter: GuestFilter): string {
  return `/etc/libvirt/nwfilter/${filter}.xml`;
}

/** Is it defined as it should be, by the texts of files? */
export function isGuestFilter(files: ReadonlyMap<string, string>, filter: GuestFilter): boolean {
  const text = files.get(guestFilterFile(filter)) ?? "";
  return text.replace(/<!--.*?-->/s, "").trim() === DEFINITIONS[filter];
}

/** Defines it, or defines it anew: running containers have the new rules at once. */
export function defineGuestFilter(filter: GuestFilter): Step {
  return {
    id: "define-guest-filter",
    subject: filter,
    title: `Defining the filter ${filter} of containers' interfaces`,
    argv: virsh("nwfilter-define", "/dev/stdin"),
    stdin: `${DEFINITIONS[filter]}\n`,
  };
}

/** Removes it, if it is there. libvirt refuses while a container, or another filter, uses it. */
export function undefineGuestFilter(filter: GuestFilter): Step {
  return {
    id: "remove-guest-filter",
    subject: filter,
    title: `Removing the filter ${filter} of containers' interfaces`,
    argv: virsh("nwfilter-undefine", filter),
  };
}
