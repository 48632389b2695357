import type { Step } from "../host/batch.ts";
import { virsh } from "./virsh.ts";

/**
 * The filter of libvirt's (https://libvirt.org/formatnwfilter.html) on the interface of every container: what it sends has its own
 * MAC, and its own address as source. Containers of all networks and stacks share it.
 */
export const GUEST_FILTER = "svirt-lxc-guest";

/** Where libvirt keeps the definition: in the form in which it prints it, below a comment. */
export const GUEST_FILTER_FILE = `/etc/libvirt/nwfilter/${GUEST_FILTER}.xml`;

/**
 * "out" is what leaves the container. libvirt knows $MAC; the domain gives $IP. All of it stands in one chain: each further one
 * costs the start of a container as much as all of these rules. In the form in which libvirt prints it, so that texts compare.
 */
const DEFINITION = `<filter name='${GUEST_FILTER}' chain='root'>
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

/** Is it defined as it should be, by the text of its file? */
export function isGuestFilter(file: string): boolean {
  return file.replace(/<!--.*?-->/s, "").trim() === DEFINITION;
}

/** Defines it, or defines it anew: running containers have the new rules at once. */
export const defineGuestFilter: Step = {
  id: "define-guest-filter",
  title: "Defining the filter of containers' interfaces",
  argv: virsh("nwfilter-define", "/dev/stdin"),
  stdin: `${DEFINITION}\n`,
};

/** Removes it, if it is there. libvirt refuses while a container uses it. */
export const undefineGuestFilter: Step = {
  id: "remove-guest-filter",
  title: "Removing the filter of containers' interfaces",
  argv: virsh("nwfilter-undefine", GUEST_FILTER),
};
