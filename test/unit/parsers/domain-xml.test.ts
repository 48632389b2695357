import { type DomainSpec, domainXml, macOf, parseDomainXml } from "../../../provider/tools/domain-xml.ts";
import { domainInputs } from "../../support/inputs.ts";
import { type Edit, recordedOutcome, swap, without, withoutElement } from "../../support/recorded.ts";

const spec: DomainSpec = {
  name: "web",
  owner: "svirt-lxc/lab/LxcDomain/web",
  retain: false,
  memory: 524288,
  root: domainInputs.path,
  init: "/sbin/init",
  label: domainInputs.label,
  idmap: domainInputs.idmap,
  mac: "02:00:0a:d5:00:02",
  network: "svirt-lxc",
  revision: 1,
  extras: [],
};
const uuid = "fbe3c494-40f4-4cc9-893b-bddcdcca9f3a";
const [, inactive = "", live = ""] = recordedOutcome("domains").stdout.split(/^@(?:xml|live) /m);

test("libvirt's own XML, of what the next start uses and of what runs, says what was defined", () => {
  expect(parseDomainXml(inactive)).toEqual({ ...spec, uuid });
  expect(parseDomainXml(live)).toEqual({ ...spec, uuid });
});

const specs: [name: string, change: Partial<DomainSpec>][] = [
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
];
test.each(specs)("what is defined is read again: %s", (_, change) => {
  expect(parseDomainXml(domainXml({ ...spec, ...change }))).toEqual({ ...spec, ...change, uuid: undefined });
  expect(parseDomainXml(domainXml({ ...spec, ...change }, uuid)).uuid).toBe(uuid);
});

const seclabel = (xml: string) => swap(/^ *<seclabel.*?<\/seclabel>\n/ms, xml);
const idmap = (uid: string, gid: string) => swap(/<idmap>.*<\/idmap>/s, `<idmap>${uid}${gid}</idmap>`);
const uid = "<uid start='0' target='1879048192' count='65536'/>";
const gid = uid.replace("uid", "gid");
const changes: [name: string, edit: Edit, change: object][] = [
  ["no seclabel", withoutElement("seclabel"), { label: undefined }],
  ["a dynamic seclabel", swap("type='static'", "type='dynamic'"), { label: undefined }],
  ["a seclabel of none", seclabel("<seclabel type='none' model='selinux'/>\n"), { label: undefined }],
  ["a seclabel of another model", swap("model='selinux'", "model='apparmor'"), { label: undefined }],
  [
    "one of another model besides",
    swap("  <seclabel", "  <seclabel type='static' model='dac'><label>+0:+0</label></seclabel>\n  <seclabel"),
    {},
  ],
  ["an empty seclabel", seclabel("<seclabel type='static' model='selinux'/>\n"), { label: undefined }],
  ["no idmap", withoutElement("idmap"), { idmap: undefined }],
  ["an idmap of users only", idmap(uid, ""), { idmap: undefined }],
  ["other groups", idmap(uid, gid.replace("1879048192", "0")), { idmap: undefined }],
  ["two ranges of users", idmap(uid + uid, gid), { idmap: undefined }],
  ["two ranges of groups", idmap(uid, gid + gid.replace("start='0'", "start='65536'")), { idmap: undefined }],
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
    { extras: ["devices/filesystem"] },
  ],
  [
    "two devices of the host",
    swap("</devices>", "<hostdev mode='capabilities' type='storage'/><hostdev mode='subsystem'/></devices>"),
    { extras: ["devices/hostdev", "devices/hostdev"] },
  ],
  [
    "capabilities",
    swap("<clock", "<features><capabilities policy='allow'/></features>\n  <clock"),
    { extras: ["features/capabilities"] },
  ],
  [
    "the host's network",
    swap("</domain>", "<lxc:namespace><lxc:sharenet type='pid' value='1'/></lxc:namespace></domain>"),
    { extras: ["lxc:namespace"] },
  ],
  ["another program", swap("/sbin/init", "/bin/sh"), { init: "/bin/sh" }],
  ["an argument", swap("</init>", "</init><initarg>single</initarg>"), { extras: ["os/initarg"] }],
  ["no interface", withoutElement("interface"), { mac: undefined, network: undefined }],
  ["no memory", without(/<memory/), { memory: undefined }],
];
test.each(changes)("someone's definition: %s", (_, edit, change) => {
  expect(parseDomainXml(edit(inactive))).toEqual({ ...spec, uuid, ...change });
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
