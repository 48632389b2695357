import { lxcRootfs } from "../../../provider/resources/lxc-rootfs.ts";
import { IMAGE, KEY, PASSWORD, rootfsInputs } from "../../support/inputs.ts";
import { given, plans, refusals } from "../../support/plans.ts";
import { added, both, says, swap, without } from "../../support/recorded.ts";

const onlyImage = without(/roots\/web|slots\/0|LxcRootfs/);
const noUnit = swap(/^.*(?=@instances)/s, "");
const noMounts = says("@instances\n@mounts\n");
const nothing = { store: onlyImage, mounts: noMounts, settings: says(""), domains: says("") };
const stopped = swap("@domain yes running", "@domain yes shut off");
const notMounted = {
  mounts: both(swap("ActiveState=active", "ActiveState=inactive"), without(/guest\/root rw,/)),
  settings: says(""),
  domains: stopped,
};

const restart = ["stops the container", "counts the revision"];
const write = ["writes the unit that mounts the root", "has systemd read it"];
const mount = [...write, "mounts the root", "mounts it at every boot"];
const remount = ["unmounts the root", ...write, "mounts the root"];
const settings = [
  "gives it a machine id",
  "sets the host name web",
  "sets root's authorized keys",
  "makes its ssh host key",
  "has it ask for its address by DHCP",
  "enables systemd-networkd.service",
  "masks what no container can mount",
];
const make = ["claims the image", "writes the root down", "makes its folders", ...mount, ...settings];
const password = ["sets root's password", "notes which password was set"];

const asked = (...units: string[]) => swap('"units":[]', `"units":${JSON.stringify(units)}`);

plans(lxcRootfs, rootfsInputs, [
  ["from nothing", { host: nothing }, ["takes slot 0", ...make]],
  [
    "from nothing, with a password",
    { host: nothing, wants: { rootPassword: PASSWORD } },
    ["takes slot 0", ...make, ...password],
  ],
  [
    "from nothing, no keys, no DHCP, a unit",
    { host: nothing, wants: { authorizedKeys: undefined, dhcp: false, units: ["nginx.service"] } },
    ["takes slot 0", ...make.filter((why) => !/keys|DHCP|networkd/.test(why)), "enables nginx.service"],
  ],
  ["converged", {}, []],

  // Creates that were killed on the way.
  ["killed when it had its slot", { host: { ...nothing, store: without(/roots\/web|LxcRootfs%2Fweb/) } }, make],
  // A claim that nothing was written down of is made again.
  ["killed when it had its image", { host: { ...nothing, store: without(/roots\/web/) } }, make],
  ["killed when it was written down", { host: { ...nothing, store: added() } }, make.slice(1)],
  [
    // Only a root that is mounted can be asked which settings it has.
    "killed when it had its folders",
    { host: { ...notMounted, mounts: both(noUnit, without(/guest\/root rw,/)) } },
    ["counts the revision", ...mount],
  ],

  // Drift of the mount.
  ["the slot's record is lost", { host: { store: without(/slots/) } }, ["takes slot 0"]],
  ["the image's claim is lost", { host: { store: without(/LxcRootfs%2Fweb/) } }, ["claims the image"]],
  ["the unit is another text", { host: { mounts: swap("-o 'nodev,", "-o '") } }, [...restart, ...remount]],
  [
    "systemd has not read the unit",
    { host: { mounts: swap("NeedDaemonReload=no", "NeedDaemonReload=yes") } },
    [...restart, ...remount],
  ],
  ["it is not mounted", { host: notMounted }, ["counts the revision", "mounts the root"]],
  [
    "it is mounted with another label",
    { host: { mounts: swap(/(?<=rw,context=".*:)c0,c512/, "c1,c513") } },
    [...restart, "unmounts the root", "mounts the root"],
  ],
  ["its unit is disabled", { host: { mounts: swap("=enabled", "=disabled") } }, ["mounts it at every boot"]],
  [
    "its unit is enabled only until the next boot",
    { host: { mounts: swap("=enabled", "=enabled-runtime") } },
    ["mounts it at every boot"],
  ],

  [
    // Another mount over it would find its layers in use.
    "its unit is gone, and it is still mounted",
    { host: { mounts: noUnit } },
    [...restart, "unmounts the root", ...mount],
  ],
  [
    "its unit is gone, and it is not mounted",
    { host: { ...notMounted, mounts: both(noUnit, without(/guest\/root rw,/)) } },
    ["counts the revision", ...mount],
  ],

  // Drift of the settings.
  [
    "the host name was changed inside",
    { host: { settings: swap("etc/hostname:web", "etc/hostname:other") } },
    [...restart, "sets the host name web"],
  ],
  [
    "the same, of a stopped container",
    { host: { settings: swap("etc/hostname:web", "etc/hostname:other"), domains: stopped } },
    ["counts the revision", "sets the host name web"],
  ],
  [
    "the keys were removed inside",
    { host: { settings: without(/authorized_keys/) } },
    [...restart, "sets root's authorized keys"],
  ],
  [
    "a key was added inside",
    { host: { settings: swap("web exit:0", "web root/.ssh/authorized_keys:ssh-rsa AAAA other\nweb exit:0") } },
    [...restart, "sets root's authorized keys"],
  ],
  [
    "the machine id is not one",
    { host: { settings: swap(/machine-id:.*/, "machine-id:uninitialized") } },
    [...restart, "gives it a machine id"],
  ],
  ["there is no host key", { host: { settings: without(/host_ed25519/) } }, [...restart, "makes its ssh host key"]],
  [
    "DHCP was changed inside",
    { host: { settings: swap("DHCP=ipv4", "DHCP=no") } },
    [...restart, "has it ask for its address by DHCP"],
  ],
  [
    "networkd was disabled inside",
    { host: { settings: without(/system\/systemd-networkd\.service/) } },
    [...restart, "enables systemd-networkd.service"],
  ],
  [
    "a mask was taken off inside",
    { host: { settings: without(/sys-kernel-debug/) } },
    [...restart, "masks what no container can mount"],
  ],

  // Changes of what is wanted.
  ["another host name", { wants: { hostname: "www" } }, [...restart, "sets the host name www"]],
  ["the host name said", { wants: { hostname: "web" } }, []],
  ["a host name that is said to be none", { wants: { hostname: undefined } }, []],
  ["another key", { wants: { authorizedKeys: [KEY, "ssh-rsa AAAA x"] } }, [...restart, "sets root's authorized keys"]],
  ["no key", { wants: { authorizedKeys: [] } }, [...restart, "sets root's authorized keys"]],
  ["keys no more managed", { wants: { authorizedKeys: undefined } }, []],
  [
    "no DHCP any more",
    { wants: { dhcp: false } },
    ["stops the container", "counts the revision", "disables systemd-networkd.service", "has it ask for no address"],
  ],
  ["a unit", { wants: { units: ["nginx.service"] } }, [...restart, "enables nginx.service"]],
  ["units, one is enabled", { wants: { units: ["ssh.service", "a.timer"] } }, [...restart, "enables a.timer"]],
  ["a unit that is enabled by an alias", { wants: { units: ["sshd.service"] } }, ["notes which units were asked for"]],
  [
    "a unit that is asked for no more",
    { host: { store: asked("ssh.service", "a.timer") }, wants: { units: ["a.timer"] } },
    [...restart, "enables a.timer", "disables ssh.service", "notes which units were asked for"],
  ],
  [
    "a unit that is asked for no more, and was disabled inside",
    { host: { store: asked("nginx.service") } },
    ["notes which units were asked for"],
  ],
  [
    "the unit of DHCP is asked for no more, and DHCP is",
    { host: { store: asked("systemd-networkd.service") } },
    ["notes which units were asked for"],
  ],
  [
    "a unit that is masked",
    { wants: { units: ["sys-kernel-debug.mount"] } },
    [...restart, "enables sys-kernel-debug.mount"],
  ],
  ["a password", { wants: { rootPassword: PASSWORD } }, [...restart, ...password]],
  ["another image: it keeps its own", { wants: { image: "0".repeat(64) } }, []],
  [
    "our former name",
    {
      host: { store: both(swap("LxcRootfs/web", "LxcRootfs/old"), swap("LxcRootfs%2Fweb", "LxcRootfs%2Fold")) },
      had: { owner: "svirt-lxc/lab/LxcRootfs/old" },
    },
    ["takes slot 0", "claims the image", "writes the root down"],
  ],
]);

const owned = (owner: string) => both(swap("svirt-lxc/lab/LxcRootfs/web", owner), without(/LxcRootfs%2Fweb/));
refusals(lxcRootfs, rootfsInputs, [
  [
    "files in its folder that nobody wrote down",
    {
      host: {
        ...nothing,
        mounts: says("@instances\n/var/lib/svirt-lxc/roots/web/layers/upper stray\n@mounts\n"),
      },
    },
    [/container root web already, and it is not ours/, /does not carry our mark/, /another name|remove it/],
  ],
  [
    "another stack's root",
    { host: { store: owned("svirt-lxc/prod/LxcRootfs/web") } },
    [/root web already, and it is not ours/, /svirt-lxc\/prod\/LxcRootfs\/web/, /another name/],
  ],
  [
    "a name that another stack has reserved",
    { host: { ...nothing, store: both(without(/roots\/web/), owned("x/y/z")) } },
    [/root web already/, /x\/y\/z/, /another name/],
  ],
  [
    "another stack's root, to be adopted, but it is another one",
    {
      host: { store: owned("svirt-lxc/prod/LxcRootfs/web") },
      wants: { adopt: true, hostname: "www", units: ["nginx.service"], rootPassword: "x", image: "0".repeat(64) },
    },
    [
      /root web already, and it cannot be adopted/,
      /prod\/LxcRootfs\/web\nimage: "a320dd50\w+" on the host, "0+" declared\nhostname: "web" on the host, "www" declared\nunits: .*\nrootPassword: another one/,
      /declare it as it is/,
    ],
  ],
  [
    "another stack's root, to be adopted, that is not mounted",
    { host: { ...notMounted, store: owned("svirt-lxc/prod/LxcRootfs/web") }, wants: { adopt: true } },
    [/cannot be adopted/, /it is not mounted/, /another name/],
  ],
  ["an image that is not there", { host: { ...nothing, store: says("") } }, [/no image a320dd50/, /^$/, /LxcImage/]],
]);

test("a root that Pulumi was to leave there is not rebuilt, nor passes for a rebuilt one", () => {
  const host = { store: swap('"name":"web"}', '"name":"web","keep":true}') };
  const { observed, desired } = given(lxcRootfs, rootfsInputs, { host, wants: { rebuild: "1" } });
  expect(lxcRootfs.refuse!(observed, desired)).toMatchObject({ remedy: expect.stringContaining("retainOnDelete") });
  expect(lxcRootfs.refuse!({ ...observed, rebuild: "1" }, desired)).toBeUndefined();
  expect(lxcRootfs.refuse!(observed, desired, desired)).toBeUndefined();
});

test("nor one that a container stands on, and which somebody took out of the state", () => {
  const wants = { rebuild: "1" };
  const whole = given(lxcRootfs, rootfsInputs, { wants });
  expect(lxcRootfs.refuse!(whole.observed, whole.desired)).toMatchObject({ why: "a container stands on it" });
  // A create that was killed never gets that far.
  const begun = given(lxcRootfs, rootfsInputs, { host: { domains: says("") }, wants });
  expect(lxcRootfs.refuse!(begun.observed, begun.desired)).toBeUndefined();
});

test("its own root is no reason to refuse, whatever image is asked for", () => {
  const wants = { image: "0".repeat(64) };
  const { observed, desired } = given(lxcRootfs, rootfsInputs, { wants });
  expect(lxcRootfs.refuse!(observed, desired)).toBeUndefined();
});

test("identity: a root made anew is another one", () => {
  const { observed, desired } = given(lxcRootfs, rootfsInputs, {});
  expect(lxcRootfs.id(desired, observed)).toBe("web/df5413cb-8944-4492-ba21-0f9b280efa46");
  expect(observed.image).toBe(IMAGE);
});

test("a root that its container has filled with what is no setting stops nobody but itself, and can be removed", () => {
  const { observed, desired } = given(lxcRootfs, rootfsInputs, { host: { settings: without(/exit:0/) } });
  expect(lxcRootfs.actual(observed, desired).hostname).toBe("(cannot be read)");
  expect(lxcRootfs.refuse!(observed, desired)).toMatchObject({ what: expect.stringContaining("read whole") });
  expect(lxcRootfs.remove(observed, desired)).not.toEqual([]);
});
