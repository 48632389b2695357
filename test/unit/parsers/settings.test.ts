import { type FoundSettings, isUnreadable, parseSettings } from "../../../provider/tools/root-settings.ts";
import { KEY } from "../../support/inputs.ts";
import { ADDRESS6, ipv6Root } from "../../support/ipv6.ts";
import { added, both, type Edit, recordedOutcome, says, swap, without } from "../../support/recorded.ts";

const parse = (name: string, edit?: Edit) => parseSettings(recordedOutcome("settings", edit), name);
const recorded = parse("web")!;
/** With lines before the last one. */
const more = (...lines: string[]) => swap("web exit:0\n", [...lines, "web exit:0\n"].join("\n"));

test("the recorded root", () => {
  expect(recorded).toEqual({
    hostname: "web",
    authorizedKeys: [KEY],
    networkFile: true,
    dhcp: true,
    pingFile: true,
    enabled: expect.any(Array),
    masked: ["sys-kernel-config.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount"],
    timezone: "Etc/UTC",
    hasMachineId: true,
    hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICDn2hUxkD6ONZE3S6faPv1aMB/7gKx+i7DF+FHj7ah4",
  });
  expect(recorded.enabled).toEqual(expect.arrayContaining(["ssh.service", "sshd.service", "fstrim.timer"]));
  expect(recorded.enabled).not.toEqual(expect.arrayContaining(["sys-kernel-debug.mount"]));
  expect(recorded.enabled).toEqual([...new Set(recorded.enabled)].sort());
});

test("a root that is mounted and holds nothing", () => {
  expect(parse("web", says("web mounted\nweb exit:0\n"))).toEqual({
    networkFile: false,
    dhcp: false,
    pingFile: false,
    enabled: [],
    masked: [],
    hasMachineId: false,
  });
});

const partial: [name: string, edit: Edit][] = [
  ["was cut off", without(/exit:0/)],
  ["took too long", swap("exit:0", "exit:124")],
  ["was not to be entered", says("web mounted\n")],
];
test.each(partial)("a root that %s: nothing of it is taken for told", (_, edit) => {
  expect(parse("web", edit)).toBeUndefined();
  expect(isUnreadable(recordedOutcome("settings", edit), "web")).toBe(true);
});

const absent: [name: string, edit: Edit][] = [
  ["that is not mounted", says("")],
  ["of another name", swap(/^web /gm, "web-2 ")],
  ["beside others that are mounted", says("db mounted\ndb etc/hostname:db\nx mounted\nx etc/hostname:x\n")],
];
test.each(absent)("a root %s has no settings", (_, edit) => {
  expect(parse("web", edit)).toBeUndefined();
});

const changes: [name: string, edit: Edit, change: Partial<FoundSettings>][] = [
  ["no host name", without(/etc\/hostname/), { hostname: undefined }],
  ["another host name", swap("hostname:web", "hostname:a.b"), { hostname: "a.b" }],
  ["no keys", without(/authorized_keys/), { authorizedKeys: undefined }],
  [
    "an empty line, a comment and options among the keys",
    more(
      "web root/.ssh/authorized_keys:",
      "web root/.ssh/authorized_keys:# mine: all",
      'web root/.ssh/authorized_keys:from="10.0.0.0/8" ssh-rsa AAAA',
    ),
    { authorizedKeys: [KEY, "", "# mine: all", 'from="10.0.0.0/8" ssh-rsa AAAA'] },
  ],
  ["a network file with an address of IPv6", ipv6Root(), { address6: ADDRESS6 }],
  ["another route of IPv6", ipv6Root(ADDRESS6, "fd42:1:2:3::3"), { networkFile: false, dhcp: false }],
  ["another network file", swap("DHCP=ipv4", "DHCP=yes"), { networkFile: false, dhcp: false }],
  [
    "more in the network file",
    more("web etc/systemd/network/0-svirt-lxc.network:DNS=1.1.1.1"),
    { networkFile: false, dhcp: false },
  ],
  ["no network file", without(/0-svirt/), { networkFile: false, dhcp: false }],
  ["an uninitialized machine id", swap(/machine-id:.*/, "machine-id:uninitialized"), { hasMachineId: false }],
  ["an empty machine id", without(/machine-id/), { hasMachineId: false }],
  ["no host key", without(/host_ed25519/), { hostKey: undefined }],
];
test.each(changes)("%s", (_, edit, change) => {
  expect(parse("web", edit)).toEqual({ ...recorded, ...change });
});

test("networkd that is not enabled asks for no address", () => {
  expect(parse("web", without(/system\/systemd-networkd\.service/))!.dhcp).toBe(false);
});

test("a link to /dev/null masks, any other enables, by its own name and its target's", () => {
  const found = parse(
    "web",
    more("web unit:x.timer /dev/null", "web unit:alias.service /usr/lib/systemd/system/real.service"),
  )!;
  expect(found.masked).toContain("x.timer");
  expect(found.enabled).not.toContain("x.timer");
  expect(found.enabled).toEqual(expect.arrayContaining(["alias.service", "real.service"]));
});

test("what belongs to another root is not taken for its own", () => {
  const before = (text: string) => `a mounted\na etc/hostname:a\na unit:evil.service /x\n${text}`;
  const after = added("zz mounted", "web2 root/.ssh/authorized_keys:ssh-rsa AAAA evil", "zz web unit:evil.service /x");
  expect(parse("web", both(before, after))).toEqual(recorded);
});
