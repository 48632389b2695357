import { USERLAND } from "../../../provider/tools/capabilities.ts";
import type { DomainValues } from "../../../provider/tools/domain-parts.ts";
import { domainXml, macOf, parseDomainXml } from "../../../provider/tools/domain-xml.ts";
import { INIT } from "../../../provider/tools/init.ts";
import { domainInputs } from "../../support/inputs.ts";
import { ADDRESS6, ipv6Interface, LINK_LOCAL } from "../../support/ipv6.ts";
import { both, type Edit, recordedOutcome, swap, without, withoutElement } from "../../support/recorded.ts";

const spec: DomainValues = {
  name: "web",
  owner: "svirt-lxc/lab/LxcDomain/web",
  retain: false,
  memory: 524288,
  root: domainInputs.path,
  init: INIT,
  partition: "/machine/svirt-lxc/web",
  restart: "on-failure",
  label: domainInputs.label,
  idmap: domainInputs.idmap,
  capabilities: USERLAND,
  mac: "02:00:0a:d5:00:02",
  network: "svirt-lxc",
  filteredAddress: "10.213.0.2",
  filteredAddresses6: undefined,
  revision: 1,
};
const extras: string[] = [];
const uuid = "fbe3c494-40f4-4cc9-893b-bddcdcca9f3a";
const [, inactive = "", live = ""] = recordedOutcome("domains").stdout.split(/^@(?:xml|live) /m);

test("libvirt's own XML, of what the next start uses and of what runs, says what was defined", () => {
  expect(parseDomainXml(inactive)).toEqual({ ...spec, extras, uuid });
  expect(parseDomainXml(live)).toEqual({ ...spec, extras, uuid });
});

const specs: [name: string, change: Partial<DomainValues>][] = [
  ["as recorded", {}],
  ["special characters in a name", { name: `a&b<c>d"e'f` }],
  ["special characters in an owner", { owner: `it's "R&D" <x>/stack/LxcDomain/web` }],
  ["an entity in an owner", { owner: "a&amp;b/&#65;" }],
  ["other alphabets", { owner: "проект/köln/LxcDomain/名前" }],
  ["special characters in a folder", { root: "/srv/a & b/<root>" }],
  ["digits only", { name: "0123", owner: "1e3", network: "0x10" }],
  ["words that look like values", { name: "true", owner: "null" }],
  ["the last slot", { idmap: { start: 2147287040, count: 65536 }, label: "a:b:c:s0:c509,c519" }],
  ["much memory", { memory: 4 * 1024 ** 3 }],
  ["revision 0", { revision: 0 }],
  ["IPv6", { filteredAddresses6: ["fd42::2", "fe80::aff:fed5:2"] }],
];
test.each(specs)("what is defined is read again: %s", (_, change) => {
  expect(parseDomainXml(domainXml({ ...spec, ...change }))).toEqual({ ...spec, ...change, extras, uuid: undefined });
  expect(parseDomainXml(domainXml({ ...spec, ...change }, uuid)).uuid).toBe(uuid);
});

const seclabel = (xml: string) => swap(/^ *<seclabel.*?<\/seclabel>\n/ms, xml);
const idmap = (uid: string, gid: string) => swap(/<idmap>.*<\/idmap>/s, `<idmap>${uid}${gid}</idmap>`);
const uid = "<uid start='0' target='1879048192' count='65536'/>";
const gid = uid.replace("uid", "gid");
const second = (kind: string, start: number) => [
  `idmap/${kind}@start=${start}`,
  `idmap/${kind}@target=1879048192`,
  `idmap/${kind}@count=65536`,
];
const changes: [name: string, edit: Edit, change: object][] = [
  ["no seclabel", withoutElement("seclabel"), { label: undefined }],
  ["a dynamic seclabel", swap("type='static'", "type='dynamic'"), { label: undefined }],
  ["a seclabel of none", seclabel("<seclabel type='none' model='selinux'/>\n"), { label: undefined }],
  [
    "a seclabel of another model",
    swap("model='selinux'", "model='apparmor'"),
    {
      label: undefined,
      extras: [
        "seclabel/label=system_u:system_r:svirt_lxc_sys_t:s0:c0,c512",
        "seclabel@type=static",
        "seclabel@model=apparmor",
        "seclabel@relabel=yes",
      ],
    },
  ],
  [
    "one of another model besides",
    swap("  <seclabel", "  <seclabel type='static' model='dac'><label>+0:+0</label></seclabel>\n  <seclabel"),
    { extras: ["seclabel/label=+0:+0", "seclabel@type=static", "seclabel@model=dac"] },
  ],
  ["an empty seclabel", seclabel("<seclabel type='static' model='selinux'/>\n"), { label: undefined }],
  ["no idmap", withoutElement("idmap"), { idmap: undefined }],
  ["an idmap of users only", idmap(uid, ""), { idmap: undefined }],
  ["other groups", idmap(uid, gid.replace("1879048192", "0")), { idmap: undefined }],
  ["two ranges of users", idmap(uid + uid, gid), { idmap: undefined, extras: second("uid", 0) }],
  [
    "two ranges of groups",
    idmap(uid, gid + gid.replace("start='0'", "start='65536'")),
    { idmap: undefined, extras: second("gid", 65536) },
  ],
  [
    "a map that does not begin with root",
    idmap(uid.replace("start='0'", "start='1'"), gid.replace("start='0'", "start='1'")),
    { idmap: undefined },
  ],
  ["no mark of ours", withoutElement("metadata"), { owner: undefined, revision: 0 }],
  ["no root", withoutElement("filesystem"), { root: undefined }],
  [
    "another mount before the root's",
    swap(
      "    <filesystem",
      "<filesystem type='mount'><source dir='/srv'/><target dir='/srv'/></filesystem>\n    <filesystem",
    ),
    {
      extras: [
        "devices/filesystem/source@dir=/srv",
        "devices/filesystem/target@dir=/srv",
        "devices/filesystem@type=mount",
      ],
    },
  ],
  [
    "two devices of the host",
    swap("</devices>", "<hostdev mode='capabilities' type='storage'/><hostdev mode='subsystem'/></devices>"),
    {
      extras: ["devices/hostdev@mode=capabilities", "devices/hostdev@type=storage", "devices/hostdev@mode=subsystem"],
    },
  ],
  [
    "capabilities",
    swap("<clock", "<features><capabilities policy='allow'/></features>\n  <clock"),
    { extras: ["features/capabilities@policy=allow"] },
  ],
  [
    "the host's network",
    both(
      swap("<domain type='lxc'", "<domain type='lxc' xmlns:lxc='http://libvirt.org/schemas/domain/lxc/1.0'"),
      swap("</domain>", "<lxc:namespace><lxc:sharenet type='pid' value='1'/></lxc:namespace></domain>"),
    ),
    { extras: ["lxc:namespace/lxc:sharenet@type=pid", "lxc:namespace/lxc:sharenet@value=1"] },
  ],
  ["another program", swap("<init>/bin/sh", "<init>/bin/bash"), { init: ["/bin/bash", ...INIT.slice(1)] }],
  [
    "an argument more",
    swap("</init>", "</init><initarg>single</initarg>"),
    { init: ["/bin/sh", "single", ...INIT.slice(1)] },
  ],
  [
    "another program, and no argument",
    both(swap(/ *<initarg>.*<\/initarg>\n/gs, ""), swap("/bin/sh", "/sbin/init")),
    { init: ["/sbin/init"] },
  ],
  ["no interface", withoutElement("interface"), { mac: undefined, network: undefined, filteredAddress: undefined }],
  ["an interface without a filter", withoutElement("filterref"), { filteredAddress: undefined }],
  ["a port that is not isolated", swap("<port isolated='yes'/>", ""), { filteredAddress: undefined }],
  ["a filter for IPv6, as libvirt sorts it", ipv6Interface, { filteredAddresses6: [ADDRESS6, LINK_LOCAL] }],
  ["a filter for another address", swap("value='10.213.0.2'", "value='10.213.0.9'"), { filteredAddress: "10.213.0.9" }],
  [
    "another filter",
    swap("filter='svirt-lxc-guest'", "filter='clean-traffic'"),
    { filteredAddress: undefined, extras: ["devices/interface/filterref@filter=clean-traffic"] },
  ],
  ["no memory", without(/<(memory|currentMemory)/), { memory: undefined }],
  [
    "more processors",
    swap("static'>1</vcpu>", "static' cpuset='0-1'>2</vcpu>"),
    { extras: ["vcpu=2", "vcpu@cpuset=0-1"] },
  ],
  [
    "less current memory",
    swap("524288</currentMemory>", "262144</currentMemory>"),
    { extras: ["currentMemory=262144"] },
  ],
  [
    "limits of memory, processor and disk",
    swap(
      "  <resource>",
      "<memtune><hard_limit unit='KiB'>1048576</hard_limit></memtune><cputune><shares>512</shares></cputune><blkiotune><weight>800</weight></blkiotune><resource>",
    ),
    {
      extras: [
        "memtune/hard_limit=1048576",
        "memtune/hard_limit@unit=KiB",
        "cputune/shares=512",
        "blkiotune/weight=800",
      ],
    },
  ],
  ["another slice", swap("<partition>/machine/svirt-lxc/web<", "<partition>/system<"), { partition: "/system" }],
  [
    "a filter on its interface",
    swap(
      "</interface>",
      "<filterref filter='clean-traffic'><parameter name='IP' value='10.213.0.9'/></filterref></interface>",
    ),
    {
      extras: [
        "devices/interface/filterref/parameter@name=IP",
        "devices/interface/filterref/parameter@value=10.213.0.9",
        "devices/interface/filterref@filter=clean-traffic",
      ],
    },
  ],
  [
    "a second interface",
    swap("</interface>", "</interface><interface type='bridge'><source bridge='br0'/></interface>"),
    { extras: ["devices/interface/source@bridge=br0", "devices/interface@type=bridge"] },
  ],
  [
    "an interface of another kind",
    swap("<interface type='network'>", "<interface type='direct'>"),
    { extras: ["devices/interface@type=direct"] },
  ],
  [
    "a clock of its own",
    swap("<clock offset='utc'/>", "<clock offset='localtime'/>"),
    { extras: ["clock@offset=localtime"] },
  ],
  ["another end", swap("<on_crash>destroy", "<on_crash>restart"), { extras: ["on_crash=restart"] }],
  [
    "another emulator",
    swap("/usr/lib/libvirt/libvirt_lxc", "/home/me/libvirt_lxc"),
    { extras: ["devices/emulator=/home/me/libvirt_lxc"] },
  ],
  ["the emulator of Fedora", swap("/usr/lib/libvirt/libvirt_lxc", "/usr/libexec/libvirt_lxc"), {}],
  ["a network that is none", swap("<clock", "<features><privnet/></features><clock"), { extras: ["features/privnet"] }],
  ["a read-only root", swap("</filesystem>", "<readonly/></filesystem>"), { extras: ["devices/filesystem/readonly"] }],
  [
    "notes of people and tools",
    swap("<metadata>", "<title>Web</title><description>ours</description><metadata><app:x xmlns:app='urn:x'>1</app:x>"),
    {},
  ],
];
test.each(changes)("someone's definition: %s", (_, edit, change) => {
  expect(parseDomainXml(edit(inactive))).toEqual({ ...spec, extras, uuid, ...change });
});

test("the XML fixes the label, and shifts all ids", () => {
  const xml = domainXml(spec);
  expect(xml).toContain(`<seclabel type="static" model="selinux" relabel="yes">`);
  expect(xml).toContain(`<uid start="0" target="1879048192" count="65536"/>`);
  expect(xml).toContain(`<gid start="0" target="1879048192" count="65536"/>`);
  expect(xml).not.toContain("<uuid");
});

test("MACs: locally administered, one for each address", () => {
  expect(macOf("10.213.0.2")).toBe("02:00:0a:d5:00:02");
  expect(macOf("192.168.255.10")).toBe("02:00:c0:a8:ff:0a");
});
