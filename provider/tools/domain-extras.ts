import { domainPart, type Expected, isRoot, PART_NAMES } from "./domain-parts.ts";
import { elements, value, type Xml } from "./xml.ts";

/** What our definition says. Where any value is allowed, the resource compares it by itself. */
const OURS: Readonly<Record<string, Expected>> = Object.assign(
  { "@type": "lxc", "devices/console@type": "pty" },
  ...PART_NAMES.map((name) => domainPart(name).facts),
);

/**
 * What libvirt 9 to 11 adds by itself to a definition that does not say it: virDomainDefParseXML and virDomainDefPostParse in
 * src/conf, virLXCDomainDefPostParse in src/lxc/lxc_domain.c; recorded in test/fixtures/debian13/domains.txt.
 */
const ADDED_BY_LIBVIRT: Readonly<Record<string, Expected>> = {
  uuid: true,
  // The limit is set from currentMemory, which is the memory where nothing else is said: less of it is another limit.
  currentMemory: (domain) => value(domain, "memory", "#text"),
  "currentMemory@unit": "KiB",
  vcpu: "1",
  "vcpu@placement": "static",
  "os/type@arch": true,
  "clock@offset": "utc",
  on_poweroff: "destroy",
  on_reboot: "restart",
  on_crash: "destroy",
  // Where distributions put it. Another one is a program that root of the host runs.
  "devices/emulator": /^\/usr\/lib(exec|64)?\/(libvirt\/)?libvirt_lxc$/,
  "devices/console/target@type": "lxc",
  "devices/console/target@port": "0",
};

/** What a running domain's XML has besides: names that libvirt gave to its parts when it was started. */
const ADDED_BY_START: Readonly<Record<string, Expected>> = {
  "@id": true,
  "devices/filesystem/alias@name": true,
  "devices/interface/alias@name": true,
  "devices/interface/source@bridge": true,
  "devices/interface/source@portid": true,
  "devices/interface/target@dev": /^vnet\d+$/,
  "devices/interface/guest@dev": "eth0",
  "devices/console@tty": true,
  "devices/console/source@path": true,
  "devices/console/alias@name": true,
  "seclabel/imagelabel": true,
};

const EXPECTED = { ...OURS, ...ADDED_BY_LIBVIRT, ...ADDED_BY_START };

/** Notes of people and tools, which change nothing: they are theirs. */
const NOTES = ["metadata", "title", "description"];

/**
 * What a domain's definition has that is neither ours nor libvirt's own default, each fact by its path: "vcpu=2",
 * "cputune/shares=512", "clock@offset=localtime", "features/privnet". Of what there may be several of, one is ours.
 */
export function extrasOf(domain: Xml = {}): string[] {
  const isExtra = ({ path, value: text = "", known }: Fact): boolean => {
    const expected = known ? EXPECTED[path] : undefined;
    if (typeof expected === "function") return expected(domain) !== text;
    if (expected instanceof RegExp) return !expected.test(text);
    return expected !== true && expected !== text;
  };
  return factsOf(domain, "", true)
    .filter(isExtra)
    .map(({ path, value: text }) => (text === undefined ? path : `${path}=${text}`.slice(0, 200)));
}

interface Fact {
  path: string;
  /** Of an attribute or a text; absent of an element without either. */
  value?: string;
  /** It may be one of ours: a second interface has none of those. */
  known: boolean;
}

function factsOf(element: Xml, path: string, known: boolean): Fact[] {
  const facts = Object.keys(element).flatMap((key): Fact[] => {
    const text = element[key];
    if (key.startsWith("@xmlns") || (path === "" && NOTES.includes(key))) return [];
    if (key.startsWith("@")) return [{ path: path + key, value: String(text), known }];
    if (key === "#text") return text === "" ? [] : [{ path, value: String(text), known }];
    const below = path === "" ? key : `${path}/${key}`;
    const children = elements(element, key);
    const ours = children.findIndex(OURS_OF_SEVERAL[below] ?? (() => true));
    const areAll = ALL_OURS.includes(below);
    return children.flatMap((child, i) => factsOf(child, below, known && (areAll || i === ours)));
  });
  return facts.length === 0 && path !== "" ? [{ path, known }] : facts;
}

/** Which one is ours where it is not the first. */
const OURS_OF_SEVERAL: Readonly<Record<string, (element: Xml) => boolean>> = {
  "devices/filesystem": isRoot,
  seclabel: (label) => label["@model"] === "selinux",
};

/** Of which all are compared. */
const ALL_OURS = ["os/initarg", "devices/interface/filterref/parameter"];
