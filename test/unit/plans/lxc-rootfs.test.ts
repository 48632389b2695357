import { lxcRootfs } from "../../../provider/resources/lxc-rootfs/index.ts";
import { onlyDisk, unmounted } from "../../support/disk.ts";
import { allSettings, IMAGE, KEY, PASSWORD, rootfsInputs } from "../../support/inputs.ts";
import { ipv6Root, SUBNET6 } from "../../support/ipv6.ts";
import { given, plans, refusals } from "../../support/plans.ts";
import { added, both, DAMAGE, type Edits, says, swap, without } from "../../support/recorded.ts";

const onlyImage = without(/roots\/web|slots\/0|LxcRootfs/);
const noUnit = swap(/^.*(?=@disks)/s, "@files\n");
const noMounts = says("@files\n@disks\n@mounts\n");
const nothing = { store: onlyImage, mounts: noMounts, settings: says(""), domains: says("") };
const stopped = swap("@domain yes running", "@domain yes shut off");
const notMounted = {
  mounts: both(swap("ActiveState=active", "ActiveState=inactive"), unmounted),
  settings: says(""),
  domains: stopped,
};

const restart = ["stop-container", "count-revision"];
const write = ["write-unit", "reload-systemd"];
const mount = ["write-unit", "enable-unit", "reload-systemd", "mount-root"];
const remount = ["unmount-root", ...write, "mount-root"];
const identity = ["create-identity", "record-identity"];
const settings = [
  ...identity,
  "set-hostname web",
  "set-authorized-keys",
  "write-network-file",
  "enable-dhcp",
  "mask-mounts",
  "allow-ping",
  "write-names",
  "record-settings",
];
const make = ["claim-image", "create-folders", "create-disk 4GiB", "record-root", ...mount, ...settings];
const password = ["set-password", "record-password"];

const seeded = (what: string) => swap(/"seeded":\{[^}]*\}/, `"seeded":{${what}}`);
const listed = (list: "units" | "masks" | "users" | "files", ...names: string[]) =>
  swap(`"${list}":[]`, `"${list}":${JSON.stringify(names)}`);
const asked = (...units: string[]) => listed("units", ...units);

plans(lxcRootfs, rootfsInputs, [
  ["from nothing", { host: nothing }, ["take-slot 0", ...make]],
  [
    "from nothing, with a password",
    { host: nothing, wants: { rootPassword: PASSWORD } },
    ["take-slot 0", ...make, ...password],
  ],
  [
    "from nothing, no keys, no DHCP, a unit",
    { host: nothing, wants: { authorizedKeys: undefined, dhcp: false, units: ["nginx.service"] } },
    [
      "take-slot 0",
      ...make.filter((id) => !/authorized-keys|dhcp|network-file|write-names|record-settings/.test(id)),
      "enable-units nginx.service",
      "write-names",
      "record-settings",
    ],
  ],
  ["converged", {}, []],

  // Creates that were killed on the way.
  ["killed when it had its slot", { host: { ...nothing, store: without(/roots\/web|LxcRootfs%2Fweb/) } }, make],
  // A claim that nothing was written down of is made again.
  ["killed when it had its image", { host: { ...nothing, store: without(/roots\/web/) } }, make],
  [
    "killed when it had its folders",
    { host: { ...nothing, store: without(/roots\/web/), mounts: onlyDisk } },
    ["create-folders", "record-root", "count-revision", ...mount],
  ],
  [
    // Only a root that is mounted can be asked which settings it has.
    "killed when it was written down",
    { host: { ...notMounted, mounts: both(noUnit, unmounted) } },
    ["count-revision", ...mount],
  ],

  [
    // That files are there does not tell whose they are: the image may have brought them.
    "killed when it was mounted",
    { host: { store: seeded("") } },
    [...restart, ...identity, "write-names", "record-settings"],
  ],
  [
    "killed when it had its identity, before that was recorded",
    { host: { store: seeded('"hosts":"x"'), domains: stopped } },
    ["count-revision", ...identity, "write-names", "record-settings"],
  ],

  // Records that are lost or damaged. Nothing is stopped for them.
  ["the slot's record is lost", { host: { store: without(/slots/) } }, ["take-slot 0"]],
  ["the image's claim is lost", { host: { store: without(/LxcRootfs%2Fweb/) } }, ["claim-image"]],
  ["the root's record is lost", { host: { store: without(/root\.json/) } }, ["create-folders", "record-root"]],
  ...DAMAGE.flatMap(([how, text]): [string, { host: Edits; wants?: object }, string[]][] => [
    [`the slot's record: ${how}`, { host: { store: swap(/(?<=slots\/0:).*/, text) } }, ["take-slot 0"]],
    [`the image's claim: ${how}`, { host: { store: swap(/(?<=LxcRootfs%2Fweb:).*/, text) } }, ["claim-image"]],
    [
      `the root's record: ${how}`,
      {
        host: { store: swap(/(?<=root\.json:).*/, text) },
        wants: { units: ["ssh.service"], rootPassword: PASSWORD, users: allSettings.users, files: allSettings.files },
      },
      ["record-root"],
    ],
  ]),
  [
    "what is left of a root whose removal broke off",
    { host: { store: added("./roots/web.removed:") } },
    ["remove-rest"],
  ],

  // Drift of the mount.
  ["the unit is another text", { host: { mounts: swap("-o 'nodev,", "-o '") } }, [...restart, ...remount]],
  [
    "systemd has not read the unit",
    { host: { mounts: swap("NeedDaemonReload=no", "NeedDaemonReload=yes") } },
    [...restart, ...remount],
  ],
  ["it is not mounted", { host: notMounted }, ["count-revision", "mount-root"]],
  [
    "it is mounted with another label",
    { host: { mounts: swap(/(?<=rw,context=".*:)c0,c512/, "c1,c513") } },
    [...restart, "unmount-root", "mount-root"],
  ],
  ["its unit is disabled", { host: { mounts: swap("=enabled", "=disabled") } }, ["enable-unit"]],
  [
    "its unit is enabled only until the next boot",
    { host: { mounts: swap("=enabled", "=enabled-runtime") } },
    ["enable-unit"],
  ],

  [
    // Another mount over it would find its layers in use.
    "its unit is gone, and it is still mounted",
    { host: { mounts: noUnit } },
    [...restart, "unmount-root", ...mount],
  ],
  [
    "its unit is gone, and it is not mounted",
    { host: { ...notMounted, mounts: both(noUnit, unmounted) } },
    ["count-revision", ...mount],
  ],

  // Drift of the settings.
  [
    "the host name was changed inside",
    { host: { settings: swap("etc/hostname:web", "etc/hostname:other") } },
    [...restart, "set-hostname web"],
  ],
  [
    "the same, of a stopped container",
    { host: { settings: swap("etc/hostname:web", "etc/hostname:other"), domains: stopped } },
    ["count-revision", "set-hostname web"],
  ],
  [
    "the keys were removed inside",
    { host: { settings: without(/authorized_keys/) } },
    [...restart, "set-authorized-keys"],
  ],
  [
    "a key was added inside",
    { host: { settings: swap("web exit:0", "web root/.ssh/authorized_keys:ssh-rsa AAAA other\nweb exit:0") } },
    [...restart, "set-authorized-keys"],
  ],
  [
    "the machine id is not one",
    { host: { settings: swap(/machine-id:.*/, "machine-id:uninitialized") } },
    [...restart, "set-machine-id"],
  ],
  ["there is no host key", { host: { settings: without(/host_ed25519/) } }, [...restart, "create-host-key"]],
  ["DHCP was changed inside", { host: { settings: swap("DHCP=ipv4", "DHCP=no") } }, [...restart, "write-network-file"]],
  [
    "networkd was disabled inside",
    { host: { settings: without(/system\/systemd-networkd\.service/) } },
    [...restart, "enable-dhcp"],
  ],
  [
    "the address of IPv6 was changed inside",
    { host: { settings: ipv6Root("fd42:1:2:3::99") }, wants: { subnet6: SUBNET6 } },
    [...restart, "write-network-file"],
  ],
  ["ping was forbidden inside", { host: { settings: without(/ping_group_range/) } }, [...restart, "allow-ping"]],
  ["a mask was taken off inside", { host: { settings: without(/sys-kernel-debug/) } }, [...restart, "mask-mounts"]],

  // Changes of what is wanted.
  [
    "another host name",
    { wants: { hostname: "www" } },
    [...restart, "set-hostname www", "write-names", "record-settings"],
  ],
  ["another resolver", { wants: { nameserver: "10.9.0.1" } }, [...restart, "write-names", "record-settings"]],
  ["another domain", { wants: { domain: "prod.internal" } }, [...restart, "write-names", "record-settings"]],
  ["no resolver any more: what was written stays", { wants: { nameserver: undefined } }, []],
  ["the host name said", { wants: { hostname: "web" } }, []],
  ["a host name that is said to be none", { wants: { hostname: undefined } }, []],
  ["another key", { wants: { authorizedKeys: [KEY, "ssh-rsa AAAA x"] } }, [...restart, "set-authorized-keys"]],
  ["no key", { wants: { authorizedKeys: [] } }, [...restart, "set-authorized-keys"]],
  ["keys no more managed", { wants: { authorizedKeys: undefined } }, []],
  [
    "no DHCP any more",
    { wants: { dhcp: false } },
    ["stop-container", "count-revision", "disable-dhcp", "remove-network-file"],
  ],
  ["IPv6 besides", { wants: { subnet6: SUBNET6 } }, [...restart, "write-network-file"]],
  ["IPv6, as it is wanted", { host: { settings: ipv6Root() }, wants: { subnet6: SUBNET6 } }, []],
  ["IPv6 no more", { host: { settings: ipv6Root() } }, [...restart, "write-network-file"]],
  [
    "another subnet of IPv6",
    { host: { settings: ipv6Root() }, wants: { subnet6: "fd42::/64" } },
    [...restart, "write-network-file"],
  ],
  ["a unit", { wants: { units: ["nginx.service"] } }, [...restart, "enable-units nginx.service"]],
  ["units, one is enabled", { wants: { units: ["ssh.service", "a.timer"] } }, [...restart, "enable-units a.timer"]],
  ["a unit that is enabled by an alias", { wants: { units: ["sshd.service"] } }, ["record-settings"]],
  [
    "a unit that is asked for no more",
    { host: { store: asked("ssh.service", "a.timer") }, wants: { units: ["a.timer"] } },
    [...restart, "enable-units a.timer", "disable-units ssh.service", "record-settings"],
  ],
  [
    "a unit that is asked for no more, and was disabled inside",
    { host: { store: asked("nginx.service") } },
    ["record-settings"],
  ],
  [
    "the unit of DHCP is asked for no more, and DHCP is",
    { host: { store: asked("systemd-networkd.service") } },
    ["record-settings"],
  ],
  [
    "a unit that is masked",
    { wants: { units: ["sys-kernel-debug.mount"] } },
    [...restart, "enable-units sys-kernel-debug.mount"],
  ],
  ["a password", { wants: { rootPassword: PASSWORD } }, [...restart, ...password]],
  [
    "all other settings",
    { wants: allSettings },
    [
      ...restart,
      "mask-units cron.service",
      "set-timezone Europe/Berlin",
      "set-locale C.UTF-8",
      "make-user ada",
      "set-user-keys ada",
      "write-file /etc/token",
      "enable-units nginx.service",
      ...password,
    ],
  ],
  [
    "a user and a file that are declared no more: they stay, and are looked at no longer",
    { host: { store: both(listed("users", "ada"), listed("files", "/etc/motd")) } },
    ["record-settings"],
  ],
  [
    "a unit that is masked no more",
    {
      host: {
        store: listed("masks", "cron.service"),
        settings: swap("web exit:0", "web unit:cron.service /dev/null\nweb exit:0"),
      },
    },
    [...restart, "unmask-units cron.service", "record-settings"],
  ],
  ["another image: it keeps its own", { wants: { image: "0".repeat(64) } }, []],
  [
    "our former name",
    {
      host: { store: both(swap("LxcRootfs/web", "LxcRootfs/old"), swap("LxcRootfs%2Fweb", "LxcRootfs%2Fold")) },
      had: { owner: "svirt-lxc/lab/LxcRootfs/old" },
    },
    ["take-slot 0", "claim-image", "record-root"],
  ],
]);

const owned = (owner: string) => both(swap("svirt-lxc/lab/LxcRootfs/web", owner), without(/LxcRootfs%2Fweb/));
refusals(lxcRootfs, rootfsInputs, [
  [
    "files in its folder that nobody wrote down",
    {
      host: {
        ...nothing,
        mounts: onlyDisk,
      },
    },
    ["not-ours", /does not carry our mark/, /another name|remove it/],
  ],
  [
    "a root of which no record can be read",
    { host: { store: both(swap(/(?<=root\.json:).*/, ""), swap(/(?<=slots\/0:).*/, "{")) } },
    ["not-ours", /does not carry our mark/, /another name|remove it/],
  ],
  [
    "another stack's root",
    { host: { store: owned("svirt-lxc/prod/LxcRootfs/web") } },
    ["not-ours", /svirt-lxc\/prod\/LxcRootfs\/web/, /another name/],
  ],
  [
    "a name that another stack has reserved",
    { host: { ...nothing, store: both(without(/roots\/web/), owned("x/y/z")) } },
    ["not-ours", /x\/y\/z/, /another name/],
  ],
  [
    "another stack's root, to be adopted, but it is another one",
    {
      host: { store: owned("svirt-lxc/prod/LxcRootfs/web") },
      wants: { adopt: true, hostname: "www", units: ["nginx.service"], rootPassword: "x", image: "0".repeat(64) },
    },
    [
      "not-adoptable",
      /prod\/LxcRootfs\/web\nimage: "a320dd50\w+" on the host, "0+" declared\nhostname: "web" on the host, "www" declared\nunits: .*\nrootPassword: another one/,
      /declare it as it is/,
    ],
  ],
  [
    "another stack's root, to be adopted, that is not mounted",
    { host: { ...notMounted, store: owned("svirt-lxc/prod/LxcRootfs/web") }, wants: { adopt: true } },
    ["not-adoptable", /it is not mounted/, /another name/],
  ],
  ["an image that is not there", { host: { ...nothing, store: says("") } }, ["image-missing", /^$/, /LxcImage/]],
]);

test("a root that Pulumi was to leave there is not rebuilt, nor passes for a rebuilt one", () => {
  const host = { store: swap('"name":"web"}', '"name":"web","retain":true}') };
  const { observed, desired } = given(lxcRootfs, rootfsInputs, { host, wants: { rebuild: "1" } });
  expect(lxcRootfs.precondition!(observed, desired)).toMatchObject({
    remedy: expect.stringContaining("retainOnDelete"),
  });
  expect(lxcRootfs.precondition!({ ...observed, rebuild: "1" }, desired)).toBeUndefined();
  expect(lxcRootfs.precondition!(observed, desired, desired)).toBeUndefined();
});

test("nor one that a container stands on, and which somebody took out of the state", () => {
  const wants = { rebuild: "1" };
  const whole = given(lxcRootfs, rootfsInputs, { wants });
  expect(lxcRootfs.precondition!(whole.observed, whole.desired)).toMatchObject({ code: "root-would-be-lost" });
  // A create that was killed never gets that far.
  const begun = given(lxcRootfs, rootfsInputs, { host: { domains: says("") }, wants });
  expect(lxcRootfs.precondition!(begun.observed, begun.desired)).toBeUndefined();
});

test("its own root is no reason to refuse, whatever image is asked for", () => {
  const wants = { image: "0".repeat(64) };
  const { observed, desired } = given(lxcRootfs, rootfsInputs, { wants });
  expect(lxcRootfs.precondition!(observed, desired)).toBeUndefined();
});

test("identity: a root made anew is another one", () => {
  const { observed, desired } = given(lxcRootfs, rootfsInputs, {});
  expect(lxcRootfs.id(desired, observed)).toBe("web/df5413cb-8944-4492-ba21-0f9b280efa46");
  expect(observed.image).toBe(IMAGE);
});

test("a root that its container has filled with what is no setting stops nobody but itself, and can be removed", () => {
  const { observed, desired } = given(lxcRootfs, rootfsInputs, { host: { settings: without(/exit:0/) } });
  expect(lxcRootfs.actualInputs(observed, desired).hostname).toBe("(cannot be read)");
  expect(lxcRootfs.precondition!(observed, desired)).toMatchObject({ code: "settings-unreadable" });
  expect(lxcRootfs.remove(observed, desired)).not.toEqual([]);
});
