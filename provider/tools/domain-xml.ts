import { isDeepStrictEqual } from "node:util";
import { extrasOf, isRoot } from "./domain-extras.ts";
import { elements, fromXml, toXml, value, type Xml } from "./xml.ts";

/** What we say in a domain's XML, and what else it has. */
export interface DomainSpec {
  name: string;
  owner: string;
  /** It stays when its stack goes. */
  retain: boolean;
  /** KiB. */
  memory: number;
  /** The folder that is mounted as its root. */
  root: string;
  /** The program that is started in it. */
  init: string;
  label: string;
  idmap: { start: number; count: number };
  mac: string;
  network: string;
  /** Of the root's settings, when this was defined. */
  revision: number;
  /** What it has that is neither ours nor libvirt's default, such as "vcpu=2" or "devices/hostdev@mode=subsystem". */
  extras: string[];
}

/** What libvirt tells besides. */
export interface FoundDomain extends Partial<DomainSpec> {
  uuid?: string;
}

export const NAMESPACE = "urn:svirt-lxc:domain:1";

/**
 * The XML of a system container (https://libvirt.org/formatdomain.html, https://libvirt.org/drvlxc.html).
 * A domain that is there already keeps its UUID: libvirt refuses a second one of the same name.
 */
export function domainXml(spec: Omit<DomainSpec, "extras">, uuid?: string): string {
  const map = { "@start": "0", "@target": String(spec.idmap.start), "@count": String(spec.idmap.count) };
  return toXml({
    domain: {
      "@type": "lxc",
      name: spec.name,
      uuid,
      metadata: { "svirt:container": { "@xmlns:svirt": NAMESPACE, ...ownershipMetadata(spec) } },
      memory: { "@unit": "KiB", "#text": String(spec.memory) },
      os: { type: "exe", init: spec.init },
      idmap: { uid: map, gid: map },
      devices: {
        filesystem: {
          "@type": "mount",
          "@accessmode": "passthrough",
          source: { "@dir": spec.root },
          target: { "@dir": "/" },
        },
        interface: { "@type": "network", mac: { "@address": spec.mac }, source: { "@network": spec.network } },
        console: { "@type": "pty" },
      },
      // Without this element every process runs as virtd_lxc_t. The label is fixed here, never chosen by libvirt.
      seclabel: { "@type": "static", "@model": "selinux", "@relabel": "yes", label: spec.label },
    },
  });
}

/** The element that says whose a domain is, as `virsh metadata --set` takes it. */
export function ownershipXml(spec: DomainSpec): string {
  return toXml({ container: ownershipMetadata(spec) }).trim();
}

function ownershipMetadata({ owner, retain, revision }: Pick<DomainSpec, "owner" | "retain" | "revision">): Xml {
  return { "@owner": owner, "@retain": retain ? "yes" : "no", "@revision": String(revision) };
}

/** What a domain's XML says of the same things; a thing that it does not say is undefined. */
export function parseDomainXml(text: string): FoundDomain {
  const domain = elements(fromXml(text), "domain")[0];
  const devices = elements(domain, "devices")[0];
  const root = elements(devices, "filesystem").find(isRoot);
  const label = elements(domain, "seclabel").find((s) => s["@model"] === "selinux" && s["@type"] === "static");
  return {
    uuid: value(domain, "uuid", "#text"),
    name: value(domain, "name", "#text"),
    owner: value(domain, "metadata", "svirt:container", "@owner"),
    retain: value(domain, "metadata", "svirt:container", "@retain") === "yes",
    revision: Number(value(domain, "metadata", "svirt:container", "@revision") ?? 0),
    memory: number(value(domain, "memory", "#text")),
    root: value(root, "source", "@dir"),
    init: value(domain, "os", "init", "#text"),
    label: value(label, "label", "#text"),
    idmap: sameMap(elements(domain, "idmap")[0]),
    mac: value(devices, "interface", "mac", "@address"),
    network: value(devices, "interface", "source", "@network"),
    extras: extrasOf(domain),
  };
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

/** The map, if users and groups have the same one. */
function sameMap(idmap: Xml | undefined): DomainSpec["idmap"] | undefined {
  const [uid, gid] = ["uid", "gid"].map((kind) => elements(idmap, kind));
  const [only] = uid ?? [];
  if (!only || uid?.length !== 1 || !isDeepStrictEqual(uid, gid) || only["@start"] !== "0") return undefined;
  return { start: Number(only["@target"]), count: Number(only["@count"]) };
}

function number(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
