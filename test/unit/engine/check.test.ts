import { check, equalAsJson, isUnknown, path } from "../../../provider/engine/check.ts";
import type { AnyKind } from "../../../provider/engine/kind.ts";
import { libvirtService } from "../../../provider/resources/libvirt-service/index.ts";
import { lxcDomain } from "../../../provider/resources/lxc-domain/index.ts";
import { lxcRootfs } from "../../../provider/resources/lxc-rootfs/index.ts";
import { selinuxEnforcing } from "../../../provider/resources/selinux-enforcing.ts";
import { selinuxPolicy } from "../../../provider/resources/selinux-policy.ts";
import {
  domainInputs,
  enforcingInputs,
  IMAGE,
  KEY,
  libvirtInputs,
  PASSWORD,
  rootfsInputs,
} from "../../support/inputs.ts";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const owner = "p/s/K/n";

const defaults: [kind: AnyKind, given: object, filled: object][] = [
  [
    selinuxEnforcing,
    { owner },
    {
      ...{ owner, connection: {}, mode: "enforcing", configured: "enforcing" },
      ...{ reboot: "refused", troubleshooting: false },
    },
  ],
  [selinuxPolicy, { owner, connection: { ssh: "a" } }, { owner, connection: { ssh: "a" }, retain: false }],
  [
    libvirtService,
    { owner },
    {
      owner,
      connection: {},
      retain: false,
      adopt: false,
      confineOthers: false,
      network: "svirt-lxc",
      subnet: "10.213.0.0/20",
      firewall: "ready",
    },
  ],
  [
    lxcRootfs,
    { owner, name: "web", image: IMAGE },
    { owner, connection: {}, retain: false, adopt: false, name: "web", image: IMAGE, dhcp: true, units: [] },
  ],
  [
    lxcDomain,
    { ...domainInputs, memory: undefined, network: undefined, awaitPort: undefined, revision: undefined },
    { ...domainInputs, memory: "512MiB", network: "svirt-lxc", awaitPort: undefined, revision: 0 },
  ],
];
test.each(defaults.map(([kind, ...rest]) => [kind.token, kind, ...rest] as const))(
  "%s: every default is filled in, and once is enough",
  async (_, kind, given, filled) => {
    const { inputs, failures } = await check(kind, { ...given });
    expect(failures).toEqual([]);
    expect(inputs).toEqual(JSON.parse(JSON.stringify(filled)));
    expect(await check(kind, inputs)).toEqual({ inputs, failures: [] });
    expect(Object.values(inputs)).not.toContain(undefined);
  },
);

type Mistake = [kind: AnyKind, change: object, property: string, reason: RegExp];
const base = new Map<AnyKind, object>([
  [selinuxEnforcing, enforcingInputs],
  [lxcRootfs, rootfsInputs],
  [lxcDomain, domainInputs],
  [libvirtService, libvirtInputs],
]);
const mistakes: Mistake[] = [
  [selinuxEnforcing, { mode: "permissive" }, "mode", /only be "enforcing"/],
  [selinuxEnforcing, { configured: "disabled" }, "configured", /only be "enforcing"/],
  [lxcRootfs, { name: "../etc" }, "name", /DNS label/],
  [lxcRootfs, { name: "Web" }, "name", /lower-case/],
  [lxcRootfs, { name: "-web" }, "name", /DNS label/],
  [lxcRootfs, { name: "x".repeat(64) }, "name", /1 to 63/],
  [lxcRootfs, { name: "" }, "name", /1 to 63/],
  [lxcRootfs, { name: "web\n" }, "name", /DNS label/],
  [lxcRootfs, { name: undefined }, "name", /string/],
  [lxcRootfs, { name: 7 }, "name", /string/],
  [lxcRootfs, { owner: "" }, "owner", /./],
  [lxcRootfs, { image: "base" }, "image", /sha256 of an LxcImage/],
  [lxcRootfs, { hostname: "a b" }, "hostname", /DNS label/],
  [lxcRootfs, { rootPassword: "a\nb" }, "rootPassword", /one line/],
  [lxcRootfs, { rootPassword: "" }, "rootPassword", /./],
  [lxcRootfs, { authorizedKeys: [KEY, `${KEY}\n${KEY}`] }, "authorizedKeys[1]", /line of authorized_keys/],
  [lxcRootfs, { authorizedKeys: [" "] }, "authorizedKeys[0]", /line of authorized_keys/],
  [lxcRootfs, { authorizedKeys: ["keys/me"] }, "authorizedKeys[0]", /line of authorized_keys/],
  [lxcRootfs, { authorizedKeys: ["AAAA me"] }, "authorizedKeys[0]", /line of authorized_keys/],
  [
    lxcRootfs,
    { authorizedKeys: Array(1000).fill(`ssh-rsa ${"A".repeat(100)}`) },
    "authorizedKeys",
    /100000 characters/,
  ],
  [lxcRootfs, { name: "1001" }, "name", /no number/],
  [lxcDomain, { name: "1001" }, "name", /no number/],
  [lxcDomain, { name: "0b5c1f6e-0000-4000-8000-0123456789ab" }, "name", /no UUID/],
  [lxcDomain, { name: "driver" }, "name", /driver/],
  [lxcRootfs, { authorizedKeys: KEY }, "authorizedKeys", /array/],
  [lxcRootfs, { units: ["nginx"] }, "units[0]", /unit such as nginx.service/],
  [lxcRootfs, { units: ["a.service", "../x.service"] }, "units[1]", /unit such as/],
  [lxcRootfs, { units: ["--now.service x"] }, "units[0]", /unit such as/],
  [lxcRootfs, { units: ["--root=x.service"] }, "units[0]", /unit such as/],
  [lxcRootfs, { units: ["-x.service"] }, "units[0]", /unit such as/],
  [lxcRootfs, { dhcp: "yes" }, "dhcp", /boolean/],
  [lxcRootfs, { nameserver: "10.0.0.1\nsearch x" }, "nameserver", /IPv4 address such as/],
  [lxcRootfs, { domain: "a b" }, "domain", /domain such as/],
  [lxcRootfs, { domain: "x\n" }, "domain", /domain such as/],
  [lxcRootfs, { connection: { sshConfig: "x" } }, "connection.sshConfig", /add ssh/],
  [lxcRootfs, { connection: { ssh: "-oProxyCommand=x" } }, "connection.ssh", /ssh destination/],
  [lxcRootfs, { connection: { ssh: "a b" } }, "connection.ssh", /ssh destination/],
  [lxcRootfs, { connection: { port: 22 } }, "connection", /port/],
  [lxcDomain, { memory: "abc" }, "memory", /whole number of KiB, MiB or GiB, such as 512MiB/],
  [lxcDomain, { memory: "0MiB" }, "memory", /whole number/],
  [lxcDomain, { memory: 512 }, "memory", /string/],
  [lxcDomain, { path: "srv" }, "path", /absolute/],
  [lxcDomain, { label: "svirt_lxc_sys_t" }, "label", /context such as/],
  [lxcDomain, { label: "a:b:c:s0" }, "label", /context such as/],
  [lxcDomain, { label: "a:b:c:s0:c0.c1023" }, "label", /context such as/],
  [lxcDomain, { address: "10.0.0.256" }, "address", /IPv4/],
  [lxcDomain, { address: "::1" }, "address", /IPv4/],
  [lxcDomain, { awaitPort: 0 }, "awaitPort", />=?\s?1/],
  [lxcDomain, { awaitPort: 65536 }, "awaitPort", /65535/],
  [lxcDomain, { idmap: { start: 0, count: 65536 } }, "idmap.start", /./],
  [lxcDomain, { idmap: { start: 1 } }, "idmap.count", /number/],
  [lxcDomain, { revision: -1 }, "revision", /./],
  [lxcDomain, { rootfs: "" }, "rootfs", /./],
  [libvirtService, { network: "Net" }, "network", /bridge/],
  [libvirtService, { network: "x".repeat(16) }, "network", /1 to 15/],
  [libvirtService, { subnet: "10.213.0.0" }, "subnet", /IPv4 subnet such as/],
  [libvirtService, { subnet: "fd00::/64" }, "subnet", /IPv4 subnet such as/],
  [libvirtService, { subnet: "10.0.0.0/8" }, "subnet", /between \/16 and \/29/],
  [libvirtService, { subnet: "10.0.0.0/30" }, "subnet", /between \/16 and \/29/],
  [libvirtService, { subnet6: "2001:db8::/64" }, "subnet6", /unique-local IPv6 subnet .* such as fd42:1:2:3::\/64/],
  [libvirtService, { subnet: "10.213.5.7/20" }, "subnet", /own address/],
];
test.each(mistakes.map(([kind, ...rest]) => [kind.token, rest[0], rest[1], kind, rest[2]] as const))(
  "%s %j is wrong at %s",
  async (_, change, property, kind, reason) => {
    const { failures } = await check(kind, { ...base.get(kind), ...change });
    expect(failures.map((f) => f.property)).toEqual([property]);
    expect(failures[0]!.reason).toMatch(reason);
  },
);

test("all mistakes are named at once", async () => {
  const { failures } = await check(lxcDomain, {
    ...domainInputs,
    memory: "abc",
    address: "x",
    speed: 1,
    name: UNKNOWN,
  });
  expect(failures.map((f) => f.property)).toEqual(["memory", "address", "speed"]);
});

const inRoot: [name: string, inputs: object, property: string, reason: RegExp][] = [
  ["a path that is not absolute", { files: { "etc/x": { content: "" } } }, "files.etc/x", /absolute path/],
  ["a path that climbs", { files: { "/etc/../x": { content: "" } } }, "files./etc/../x", /must not have \. or \.\./],
  ["a path in memory", { files: { "/run/x": { content: "" } } }, "files./run/x", /file system in memory/],
  ["a path that ends as a folder", { files: { "/etc/": { content: "" } } }, "files./etc/", /absolute path/],
  [
    "a file that another input writes",
    { files: { "/etc/hostname": { content: "" } } },
    "files",
    /other inputs write: .*\/etc\/hostname/,
  ],
  ["a mode that is not octal", { files: { "/x": { content: "", mode: "u+x" } } }, "files./x.mode", /octal/],
  [
    "an owner that is none",
    { files: { "/x": { content: "", owner: "a b" } } },
    "files./x.owner",
    /name of a user, or an id/,
  ],
  ["a file without content", { files: { "/x": {} } }, "files./x.content", /string/],
  ["a unit with a slash", { mask: ["a/b.service"] }, "mask[0]", /must be a unit/],
  ["a unit that is masked twice", { mask: ["a.service", "a.service"] }, "mask", /twice/],
  [
    "a unit that is enabled and masked",
    { units: ["a.timer"], mask: ["a.timer"] },
    "mask",
    /has a\.timer, which units enables/,
  ],
  ["a user's name that is none", { users: { "a:b": {} } }, "users.a:b", /lower-case letters/],
  ["root as a user", { users: { root: {} } }, "users.root", /rootPassword/],
  ["one uid for two users", { users: { a: { uid: 7 }, b: { uid: 7 } } }, "users", /one uid to two/],
  ["a uid beyond a container's", { users: { a: { uid: 70000 } } }, "users.a.uid", /65533/],
  ["a shell that is no path", { users: { a: { shell: "bash" } } }, "users.a.shell", /absolute path/],
  [
    "a user's key that is none",
    { users: { a: { authorizedKeys: ["x"] } } },
    "users.a.authorizedKeys[0]",
    /authorized_keys/,
  ],
  ["a time zone that climbs", { timezone: "../../etc/passwd" }, "timezone", /Europe\/Berlin/],
  ["a locale of two words", { locale: "C UTF-8" }, "locale", /C\.UTF-8/],
];
test.each(inRoot)("%s: the path of the property, and what it must be", async (_, inputs, property, reason) => {
  const { failures } = await check(lxcRootfs, { ...rootfsInputs, ...inputs });
  expect(failures).toEqual([{ property, reason: expect.stringMatching(reason) }]);
});

const notOurs = ["memroy", "constructor", "toString"];
test.each(notOurs)("the unknown property %s: what is allowed is said", async (key) => {
  const { failures } = await check(lxcRootfs, { ...rootfsInputs, [key]: 1 });
  expect(failures).toEqual([
    {
      property: key,
      reason:
        "unknown property; LxcRootfs has connection, owner, machineId, retain, adopt, name, image, rebuild, rootPassword, disk, hostname, authorizedKeys, dhcp, subnet6, nameserver, domain, units, mask, timezone, locale, users, files",
    },
  ]);
});

test("what Pulumi adds, and computed outputs that are not there yet, are no mistakes", async () => {
  const { inputs, failures } = await check(lxcRootfs, { ...rootfsInputs, __provider: "code", slot: undefined });
  expect({ inputs, failures }).toEqual({ inputs: rootfsInputs, failures: [] });
});

const unknowns: [name: string, change: object][] = [
  ["a value", { image: UNKNOWN }],
  ["an item of a list", { authorizedKeys: [KEY, UNKNOWN] }],
  ["a field of an object", { connection: { ssh: UNKNOWN } }],
  ["a field that would be wrong", { connection: { ssh: UNKNOWN, sshConfig: 1 } }],
  ["all", Object.fromEntries(Object.keys(rootfsInputs).map((key) => [key, UNKNOWN]))],
];
test.each(unknowns)("unknown in a preview: %s passes as it is", async (_, change) => {
  expect(await check(lxcRootfs, { ...rootfsInputs, ...change })).toEqual({
    inputs: { ...rootfsInputs, ...change },
    failures: [],
  });
});

test("the known inputs beside an unknown one are checked", async () => {
  const { failures } = await check(lxcRootfs, { ...rootfsInputs, image: UNKNOWN, name: "A" });
  expect(failures.map((f) => f.property)).toEqual(["name"]);
});

test("a failure shows no secret", async () => {
  const { failures } = await check(lxcRootfs, { ...rootfsInputs, rootPassword: `${PASSWORD}\n` });
  expect(failures).toHaveLength(1);
  expect(JSON.stringify(failures)).not.toContain("horse");
});

const equal: [a: unknown, b: unknown, equal: boolean][] = [
  [1, 1, true],
  [undefined, undefined, true],
  [{ a: 1 }, { a: 1, b: undefined }, true],
  [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
  [{ a: 1 }, { a: "1" }, false],
  [[1, 2], [2, 1], false],
  [undefined, null, false],
  [[], undefined, false],
];
test.each(equal)("same(%j, %j) is %s", (a, b, expected) => {
  expect(equalAsJson(a, b)).toBe(expected);
  expect(equalAsJson(b, a)).toBe(expected);
});

test("unknown values are found at any depth, and nowhere else", () => {
  for (const value of [UNKNOWN, [UNKNOWN], { a: [{ b: UNKNOWN }] }]) expect(isUnknown(value)).toBe(true);
  for (const value of [undefined, null, "", 0, {}, [], `x${UNKNOWN}`, { [UNKNOWN]: 1 }])
    expect(isUnknown(value)).toBe(false);
});

test("paths as Pulumi writes them", () => {
  expect(path(["keys", 0, "name"])).toBe("keys[0].name");
  expect(path(["a"])).toBe("a");
});
