import { isDeepStrictEqual } from "node:util";
import { type CapabilitySet, capabilityNames, capabilitySet, USERLAND } from "./capabilities.ts";
import { GUEST_FILTER, GUEST_FILTER_6 } from "./guest-filter.ts";
import { elements, value, type Xml } from "./xml.ts";

/** The value that a fact of the XML has where it is no drift: any, this one, one of this form, or one that follows from the domain. */
export type Expected = true | string | RegExp | ((domain: Xml) => string | undefined);

/** How a change of a part reaches a container that runs: "live" it does, by other means than a new definition; "restart" it is restarted. */
export type Effect = "live" | "restart";

/** A part of a domain's definition: what it says in XML, and how that is read. */
export interface DomainPart<T> {
  effect: Effect;
  /** Elements of the domain; those of all parts are merged. */
  write(value: T): Xml;
  /** Undefined if the XML does not say it. */
  read(domain: Xml): T | undefined;
  /** What of the XML is said by it, each fact by its path; see extrasOf. Metadata is no fact. */
  facts?: Readonly<Record<string, Expected>>;
}

export const NAMESPACE = "urn:svirt-lxc:domain:1";

/** A range of ids of the host that is mapped to 0 and on inside. */
interface IdMap {
  start: number;
  count: number;
}

const part = <T>(of: DomainPart<T>) => of;

/** An attribute of our own element of the metadata. */
function metadata<T>(name: string, to: (value: T) => string, from: (text: string | undefined) => T | undefined) {
  return part<T>({
    effect: "live",
    write: (of) => ({ metadata: { "svirt:container": { "@xmlns:svirt": NAMESPACE, [`@${name}`]: to(of) } } }),
    read: (domain) => from(value(domain, "metadata", "svirt:container", `@${name}`)),
  });
}

const text =
  (...path: string[]) =>
  (domain: Xml) =>
    value(domain, ...path, "#text");

/** Of the filter of those that have IPv6: their own address, and their link-local one. */
const PARAMETERS_6 = ["IPV6", "LINKLOCAL"] as const;

/** The filter of its interface. */
function filterOf(domain: Xml): string | undefined {
  return value(elements(domain, "devices", "interface")[0], "filterref", "@filter");
}

function filterParameter(domain: Xml, name: string): string | undefined {
  const [own] = elements(domain, "devices", "interface");
  const found = elements(own, "filterref", "parameter").find((parameter) => parameter["@name"] === name);
  return value(found, "@value");
}

/**
 * The definition of a system container (https://libvirt.org/formatdomain.html, https://libvirt.org/drvlxc.html), a part an entry.
 * The order is that of the XML.
 */
export const DOMAIN_PARTS = {
  name: part<string>({
    effect: "restart",
    write: (name) => ({ name }),
    read: text("name"),
    facts: { name: true },
  }),
  owner: metadata<string>("owner", String, (found) => found),
  /** It stays when its stack goes. */
  retain: metadata<boolean>(
    "retain",
    (is) => (is ? "yes" : "no"),
    (found) => found === "yes",
  ),
  /** Of the root's settings, when this was defined: it is restarted to have them. */
  revision: { ...metadata<number>("revision", String, (found) => Number(found ?? 0)), effect: "restart" as const },
  /** Is it started again when it fails? One that does not say it is. */
  restart: metadata<"on-failure" | "never">("restart", String, (found) => (found === "never" ? found : "on-failure")),
  /** KiB. It is what the container sees as its own; what holds is its slice. */
  memory: part<number>({
    effect: "live",
    write: (kib) => ({ memory: { "@unit": "KiB", "#text": String(kib) } }),
    read: (domain) => number(text("memory")(domain)),
    facts: { memory: true, "memory@unit": "KiB" },
  }),
  /** The slice that it is in, and which limits it. */
  partition: part<string>({
    effect: "restart",
    write: (partition) => ({ resource: { partition } }),
    read: text("resource", "partition"),
    facts: { "resource/partition": true },
  }),
  /** The program that is started in it, and its arguments. */
  init: part<readonly string[]>({
    effect: "restart",
    write: ([init = "", ...args]) => ({ os: { type: "exe", init, initarg: args.map((arg) => ({ "#text": arg })) } }),
    read: (domain) =>
      ["init", "initarg"].flatMap((name) => elements(domain, "os", name).map((e) => String(e["#text"] ?? ""))),
    facts: { "os/type": "exe", "os/init": true, "os/initarg": true },
  }),
  idmap: part<IdMap>({
    effect: "restart",
    write({ start, count }) {
      const map = { "@start": "0", "@target": String(start), "@count": String(count) };
      return { idmap: { uid: map, gid: map } };
    },
    read: (domain) => sameMap(elements(domain, "idmap")[0]),
    facts: Object.fromEntries(
      ["uid", "gid"].flatMap((kind) => ["start", "target", "count"].map((of) => [`idmap/${kind}@${of}`, true])),
    ),
  }),
  /** The capabilities that its processes can have; libvirt drops all others. */
  capabilities: part<CapabilitySet>({
    effect: "restart",
    write: (set) => ({
      features: {
        capabilities: {
          "@policy": "deny",
          ...Object.fromEntries(capabilityNames(set).map((name) => [name, { "@state": "on" }])),
        },
      },
    }),
    read: (domain) => {
      const [found] = elements(elements(domain, "features")[0], "capabilities");
      if (found?.["@policy"] !== "deny") return undefined;
      return capabilitySet(Object.keys(found).filter((name) => value(found, name, "@state") === "on"));
    },
    facts: {
      "features/capabilities@policy": "deny",
      ...Object.fromEntries(capabilityNames(USERLAND).map((name) => [`features/capabilities/${name}@state`, "on"])),
    },
  }),
  /** The folder that is mounted as its root. */
  root: part<string>({
    effect: "restart",
    write: (dir) => ({
      devices: {
        filesystem: {
          "@type": "mount",
          "@accessmode": "passthrough",
          source: { "@dir": dir },
          target: { "@dir": "/" },
        },
      },
    }),
    read: (domain) => value(elements(domain, "devices", "filesystem").find(isRoot), "source", "@dir"),
    facts: {
      "devices/filesystem@type": "mount",
      "devices/filesystem@accessmode": "passthrough",
      "devices/filesystem/source@dir": true,
      "devices/filesystem/target@dir": "/",
    },
  }),
  /** The hardware address of its interface. */
  mac: part<string>({
    effect: "restart",
    write: (mac) => ({ devices: { interface: { "@type": "network", mac: { "@address": mac } } } }),
    read: (domain) => value(domain, "devices", "interface", "mac", "@address"),
    facts: { "devices/interface@type": "network", "devices/interface/mac@address": true },
  }),
  network: part<string>({
    effect: "restart",
    write: (name) => ({ devices: { interface: { source: { "@network": name } } } }),
    read: (domain) => value(domain, "devices", "interface", "source", "@network"),
    facts: { "devices/interface/source@network": true },
  }),
  /**
   * The address with which its interface has the guest filter, on an isolated port of the bridge. libvirt does not add these to
   * an interface that is in use.
   */
  filteredAddress: part<string>({
    effect: "restart",
    write: (address) => ({
      devices: {
        interface: {
          filterref: { "@filter": GUEST_FILTER, parameter: [{ "@name": "IP", "@value": address }] },
          port: { "@isolated": "yes" },
        },
      },
    }),
    read: (domain) => {
      const isFiltered = [GUEST_FILTER, GUEST_FILTER_6].includes(filterOf(domain) ?? "");
      const isIsolated = value(elements(domain, "devices", "interface")[0], "port", "@isolated") === "yes";
      return isFiltered && isIsolated ? filterParameter(domain, "IP") : undefined;
    },
    facts: {
      "devices/interface/filterref@filter": new RegExp(`^(${GUEST_FILTER}|${GUEST_FILTER_6})$`),
      "devices/interface/filterref/parameter@name": /^(IP|IPV6|LINKLOCAL)$/,
      "devices/interface/filterref/parameter@value": true,
      "devices/interface/port@isolated": "yes",
    },
  }),
  /** Its address of IPv6, and the link-local one that follows from its MAC, which the filter lets out besides. */
  filteredAddresses6: part<readonly string[] | undefined>({
    effect: "restart",
    write: (addresses) => {
      if (!addresses) return {};
      const parameter = PARAMETERS_6.map((name, i) => ({ "@name": name, "@value": addresses[i] }));
      return { devices: { interface: { filterref: { "@filter": GUEST_FILTER_6, parameter } } } };
    },
    read: (domain) =>
      filterOf(domain) === GUEST_FILTER_6
        ? PARAMETERS_6.map((name) => filterParameter(domain, name) ?? "none")
        : undefined,
  }),
  /** The context of every process. Without this element every one runs as virtd_lxc_t; libvirt never chooses it. */
  label: part<string>({
    effect: "restart",
    write: (label) => ({ seclabel: { "@type": "static", "@model": "selinux", "@relabel": "yes", label } }),
    read: (domain) => {
      const labels = elements(domain, "seclabel");
      const ours = labels.find((label) => label["@model"] === "selinux" && label["@type"] === "static");
      return value(ours, "label", "#text");
    },
    facts: { "seclabel@type": true, "seclabel@model": true, "seclabel@relabel": "yes", "seclabel/label": true },
  }),
};

type Parts = typeof DOMAIN_PARTS;
export type PartName = keyof Parts;

/** What a domain's XML says of each part. */
export type DomainValues = { [N in PartName]: Parts[N] extends DomainPart<infer T> ? T : never };

export const PART_NAMES = Object.keys(DOMAIN_PARTS) as PartName[];

/** Of the parts, each as one of any values. */
export function domainPart(name: PartName): DomainPart<unknown> {
  return DOMAIN_PARTS[name] as DomainPart<unknown>;
}

/** The parts of these effects in which what is found is not what is wanted. */
export function changedParts(
  found: Partial<DomainValues>,
  wanted: Partial<DomainValues>,
  ...effects: Effect[]
): PartName[] {
  return PART_NAMES.filter(
    (name) => effects.includes(domainPart(name).effect) && !isDeepStrictEqual(found[name], wanted[name]),
  );
}

/** Is it the file system that is mounted as the container's root? */
export function isRoot(filesystem: Xml): boolean {
  return value(filesystem, "target", "@dir") === "/";
}

/** The map, if users and groups have the same one. */
function sameMap(idmap: Xml | undefined): IdMap | undefined {
  const [uid, gid] = ["uid", "gid"].map((kind) => elements(idmap, kind));
  const [only] = uid ?? [];
  if (!only || uid?.length !== 1 || !isDeepStrictEqual(uid, gid) || only["@start"] !== "0") return undefined;
  return { start: Number(only["@target"]), count: Number(only["@count"]) };
}

function number(found: string | undefined): number | undefined {
  return found === undefined ? undefined : Number(found);
}
