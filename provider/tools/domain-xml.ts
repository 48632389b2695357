import { extrasOf } from "./domain-extras.ts";
import { DOMAIN_PARTS, type DomainValues, domainPart, PART_NAMES, type PartName } from "./domain-parts.ts";
import { elements, fromXml, mergeXml, toXml, value } from "./xml.ts";

/** What libvirt tells of a domain: the parts that we define, and the rest. */
export interface FoundDomain extends Partial<DomainValues> {
  uuid?: string;
  /** What it has that is neither ours nor libvirt's default, such as "vcpu=2" or "devices/hostdev@mode=subsystem". */
  extras?: string[];
}

/** The XML of a domain. One that is there already keeps its UUID: libvirt refuses a second one of the same name. */
export function domainXml(values: DomainValues, uuid?: string): string {
  const parts = PART_NAMES.map((name) => domainPart(name).write(values[name]));
  const rest = { "@type": "lxc", uuid, devices: { console: { "@type": "pty" } } };
  return toXml({ domain: [...parts, rest].reduce(mergeXml) });
}

/** The parts that are kept in our element of the metadata. */
const METADATA: readonly PartName[] = ["owner", "retain", "revision", "restart"];

/** The parts that can be written into a domain's metadata while it runs. */
export const LIVE_METADATA = METADATA.filter((name) => domainPart(name).effect === "live");

/** The element of the metadata, as `virsh metadata --set` takes it: the prefix is that of --key. */
export function metadataXml(values: DomainValues): string {
  const parts = METADATA.map((name) => domainPart(name).write(values[name])).reduce(mergeXml);
  const { "@xmlns:svirt": _, ...container } = elements(parts, "metadata", "svirt:container")[0]!;
  return toXml({ container }).trim();
}

/** What a domain's XML says of the same things; a thing that it does not say is undefined. */
export function parseDomainXml(text: string): FoundDomain {
  const domain = elements(fromXml(text), "domain")[0] ?? {};
  const parts = PART_NAMES.map((name) => [name, DOMAIN_PARTS[name].read(domain)]);
  return { ...Object.fromEntries(parts), uuid: value(domain, "uuid", "#text"), extras: extrasOf(domain) };
}

/**
 * Would libvirt, once it confines by default and requires it, start this domain in another way than now, or no more? One that
 * has no SELinux label of its own, or says that it wants none (https://libvirt.org/formatdomain.html#security-label).
 */
export function isUnlabelled(text: string): boolean {
  const labels = elements(fromXml(text), "domain", "seclabel").filter((s) => (s["@model"] ?? "selinux") === "selinux");
  return labels.length === 0 || labels.some((s) => s["@type"] === "none");
}

/**
 * The MAC that goes with an IPv4 address: locally administered, and as unique in a network as the address. A DHCP lease may
 * outlive its container; to the server, the next one that gets the address is the same client.
 */
export function macOf(address: string): string {
  const bytes = address.split(".").map((octet) => Number(octet).toString(16).padStart(2, "0"));
  return ["02", "00", ...bytes].join(":");
}
