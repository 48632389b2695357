import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { commandOf, type Step } from "../../../provider/host/batch.ts";
import { STORE } from "../../../provider/host/records.ts";
import { lxcRootfs } from "../../../provider/resources/lxc-rootfs/index.ts";
import { actualSettings, parseSettings, settingsRead, settingsSteps } from "../../../provider/tools/root-settings.ts";
import { idsOf } from "../../support/plans.ts";

// Settings that are kept converged: written by the very steps, with systemd's own tools, into a root elsewhere, and read back by
// the very look. The process stays its own user.
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
const base = join(folder, "roots/a/guest/root");
const at = (path: string) => join(base, path);
beforeEach(() => {
  rmSync(join(folder, "roots"), { recursive: true, force: true });
  put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\n");
  put("etc/group", "root:x:0:\ndaemon:x:1:\n");
  put("usr/share/zoneinfo/Europe/Berlin");
  mkdirSync(at("home/ada"), { recursive: true });
  chownSync(at("home/ada"), 1, 1);
  put("usr/lib/systemd/system/cron.service", "[Service]\nExecStart=/bin/true\n");
  link("lib", "usr/lib");
});
afterAll(() => rmSync(folder, { recursive: true }));

function put(path: string, text = ""): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
}
function link(path: string, target: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  rmSync(at(path), { force: true, recursive: true });
  symlinkSync(target, at(path));
}

const STANDINS = 'mountpoint() { :; }\nunshare() { while [ "$1" != -- ]; do shift; done; shift; "$@"; }\n';
function run(argv: string[], input = "") {
  const [shell, option, script, ...args] = argv.map((word) =>
    word.replaceAll(STORE, folder).replaceAll("/run/svirt-lxc", folder),
  );
  return spawnSync(shell!, [option!, STANDINS + script, ...args], { input, encoding: "utf8", timeout: 30_000 });
}

type Inputs = Record<string, unknown>;
const target = { name: "a", idmap: { start: 1879048192, count: 65536 } };
const written = { units: [], masks: [], seeded: {} };
/** The inputs with every default, as check makes them. */
function full(inputs: Inputs): Inputs & { users?: object; files?: object } {
  const schema = lxcRootfs.schema.pick({ users: true, files: true, mask: true, timezone: true, locale: true });
  return { name: "a", dhcp: false, units: [], ...schema.partial().parse(inputs) };
}

/** What a look finds, when the root's record lists what is declared. */
function look(inputs: Inputs) {
  const { users = {}, files = {} } = full(inputs);
  const record = { users: Object.keys(users), files: Object.keys(files) };
  writeFileSync(join(folder, "roots/a/root.json"), JSON.stringify({ owner: "o", ...record, revision: 1 }));
  const { stdout, stderr, status } = run(commandOf(settingsRead("a")));
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return parseSettings({ exit: 0, stdout, stderr }, "a")!;
}

/** The steps of a setting: those of others are left out. */
function steps(inputs: Inputs, asked: object = {}): Step[] {
  const others = idsOf(settingsSteps(target, look({}), full({}), written));
  const all = settingsSteps(target, look(inputs), full(inputs), { ...written, ...asked });
  return all.filter((step) => !others.includes(idsOf([step])[0]!));
}

function apply(inputs: Inputs, asked?: object): string[] {
  const planned = steps(inputs, asked);
  for (const { argv, stdin } of planned) {
    const { stderr, status } = run(argv, stdin);
    expect({ stderr: status === 0 ? "" : stderr, status }).toEqual({ stderr: "", status: 0 });
  }
  return idsOf(planned);
}

const actual = (inputs: Inputs) => actualSettings(look(inputs), full(inputs), written) as Inputs;

const KEY = "ssh-ed25519 AAAA me";
const DIGEST = { content: "s3cret: it's $HOME\n", mode: "0640", owner: "daemon", group: "1" };
const kept: [name: string, inputs: Inputs, ids: string[], drift: () => void, property: string][] = [
  [
    "a time zone",
    { timezone: "Europe/Berlin" },
    ["set-timezone Europe/Berlin"],
    () => link("etc/localtime", "/usr/share/zoneinfo/Etc/UTC"),
    "timezone",
  ],
  [
    "a locale",
    { locale: "de_DE.UTF-8" },
    ["set-locale de_DE.UTF-8"],
    () => put("etc/locale.conf", "LANG=C\n"),
    "locale",
  ],
  [
    "a locale, of which Debian has a file of its own",
    { locale: "C.UTF-8" },
    ["set-locale C.UTF-8"],
    () => {
      rmSync(at("etc/default/locale"));
      put("etc/default/locale", "LANG=C\n");
    },
    "locale",
  ],
  [
    "a unit that is masked",
    { mask: ["cron.service"] },
    ["mask-units cron.service"],
    () => rmSync(at("etc/systemd/system/cron.service")),
    "mask",
  ],
  [
    "a file",
    { files: { "/srv/a.d/x@1+2.conf": DIGEST } },
    ["write-file /srv/a.d/x@1+2.conf"],
    () => put("srv/a.d/x@1+2.conf", "other"),
    "files",
  ],
  [
    "a file below a link",
    { files: { "/lib/x.conf": { content: "x" } } },
    ["write-file /lib/x.conf"],
    () => put("usr/lib/x.conf", "other"),
    "files",
  ],
  [
    "a file in a folder that is missing below somebody else's",
    { files: { "/home/ada/.config/app/x": { content: "x", owner: "1", group: "1" } } },
    ["write-file /home/ada/.config/app/x"],
    () => put("home/ada/.config/app/x", "other"),
    "files",
  ],
  [
    "a file's mode",
    { files: { "/etc/x": { content: "" } } },
    ["write-file /etc/x"],
    () => chmodSync(at("etc/x"), 0o666),
    "files",
  ],
  [
    "a file's owner",
    { files: { "/etc/x": { content: "" } } },
    ["write-file /etc/x"],
    () => chownSync(at("etc/x"), 1, 0),
    "files",
  ],
  [
    "a file's group",
    { files: { "/etc/x": { content: "" } } },
    ["write-file /etc/x"],
    () => chownSync(at("etc/x"), 0, 1),
    "files",
  ],
  [
    "a file that becomes a link",
    { files: { "/etc/x": { content: "x" } } },
    ["write-file /etc/x"],
    () => {
      put("etc/y", "x");
      link("etc/x", "y");
    },
    "files",
  ],
  [
    "a user",
    { users: { ada: { groups: ["daemon", "wheel"] } } },
    ["make-user ada"],
    () => put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
    "users",
  ],
  [
    "a user's group",
    { users: { ada: { groups: ["wheel"] } } },
    ["make-user ada"],
    () => put("etc/group", readFileSync(at("etc/group"), "utf8").replace(/^(wheel:.*:).*/m, "$1")),
    "users",
  ],
  [
    "a user's keys",
    { users: { ada: { authorizedKeys: [KEY] } } },
    ["make-user ada", "set-user-keys ada"],
    () => put("home/ada/.ssh/authorized_keys", "ssh-ed25519 AAAA other\n"),
    "users",
  ],
];
test.each(kept)("%s: what was written is read back, drift is named, and mended", (_, inputs, ids, drift, property) => {
  expect(apply(inputs)).toEqual(ids);
  expect(steps(inputs)).toEqual([]);
  expect(actual(inputs)[property]).toEqual(full(inputs)[property]);
  drift();
  expect(actual(inputs)[property]).not.toEqual(full(inputs)[property]);
  expect(apply(inputs).length).toBeGreaterThan(0);
  expect(steps(inputs)).toEqual([]);
});

test("what is not declared is not touched", () => {
  link("etc/localtime", "/usr/share/zoneinfo/Etc/UTC");
  put("etc/locale.conf", "LANG=C\n");
  expect(steps({})).toEqual([]);
  expect(actual({})).toMatchObject({
    timezone: undefined,
    locale: undefined,
    users: undefined,
    files: undefined,
    mask: undefined,
  });
});

describe("a time zone", () => {
  test("is a link within the root", () => {
    apply({ timezone: "Europe/Berlin" });
    expect(readlinkSync(at("etc/localtime"))).toBe("../usr/share/zoneinfo/Europe/Berlin");
  });
  test("that the root does not have is an error, and nothing is changed", () => {
    link("etc/localtime", "/usr/share/zoneinfo/Etc/UTC");
    const [step] = steps({ timezone: "Mars/Olympus" });
    expect(run(step!.argv)).toMatchObject({ status: 1, stderr: expect.stringContaining("no time zone Mars/Olympus") });
    expect(readlinkSync(at("etc/localtime"))).toBe("/usr/share/zoneinfo/Etc/UTC");
  });
});

test("a unit that is masked no more is unmasked; one that we mask for all stays", () => {
  apply({ mask: ["cron.service"] });
  const asked = { masks: ["cron.service", "sys-kernel-debug.mount"] };
  expect(actualSettings(look({}), full({}), { ...written, ...asked })).toMatchObject({ mask: ["cron.service"] });
  expect(apply({}, asked)).toEqual(["unmask-units cron.service"]);
  expect(existsSync(at("etc/systemd/system/cron.service"))).toBe(false);
});

test("a file has its content, mode and owner, whatever was there", () => {
  link("srv/x", "/etc/passwd");
  apply({ files: { "/srv/x": DIGEST } });
  expect(readFileSync(at("srv/x"), "utf8")).toBe(DIGEST.content);
  const { mode, uid, gid } = lstatSync(at("srv/x"));
  expect([mode & 0o7777, uid, gid]).toEqual([0o640, 1, 1]);
  expect(readFileSync("/etc/passwd", "utf8")).not.toBe(DIGEST.content);
});

test("the content of a file is in no argument, and not in what a look tells", () => {
  const inputs = { files: { "/srv/x": DIGEST } };
  const [step] = steps(inputs);
  expect(JSON.stringify(step!.argv)).not.toMatch(/s3cret|czNjcmV0/);
  apply(inputs);
  expect(JSON.stringify(look(inputs))).not.toContain("s3cret");
});

test("a folder that is missing on the way to a file is that of whom the one above it is", () => {
  apply({ files: { "/home/ada/.config/app/x": { content: "x" }, "/srv/new/x": { content: "x" } } });
  const owners = ["home/ada/.config", "home/ada/.config/app", "home/ada/.config/app/x", "srv/new"].map(
    (path) => lstatSync(at(path)).uid,
  );
  expect(owners).toEqual([1, 1, 0, 0]);
});

test("a unit that says nothing of how it is enabled is an error, with what to do", () => {
  put("usr/lib/systemd/system/dbus.service", "[Service]\nExecStart=/bin/true\n");
  put("usr/lib/systemd/system/a.service", "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n");
  const enable = (unit: string) =>
    settingsSteps(target, look({}), { ...full({}), units: [unit] }, written).find(({ id }) => id === "enable-units")!;
  expect(run(enable("a.service").argv)).toMatchObject({ status: 0 });
  expect(run(enable("dbus.service").argv)).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/dbus\.service says nothing of how it is enabled .*take it off the units/),
  });
});

// With ignoreChanges, the engine gives back as wanted what a refresh has told of it.
test("a content that was found is never written, and is as it is there", () => {
  const inputs = { files: { "/etc/x": { content: "declared" } } };
  apply(inputs);
  put("etc/x", "edited inside");
  const ignored = { files: actual(inputs).files } as Inputs;
  expect(JSON.stringify(ignored)).not.toContain("edited inside");
  expect(steps(ignored)).toEqual([]);
  expect(actual(ignored)).toMatchObject(ignored);
  put("etc/x", "edited again");
  expect(steps(ignored)).toEqual([]);
  expect(steps(inputs)).toHaveLength(1);
});

const stranger = join(folder, "stranger");
mkdirSync(stranger);
writeFileSync(join(stranger, "x"), "x");
test("a file below a link that leads out of the root is one of the root", () => {
  link("srv", stranger);
  const inputs = { files: { "/srv/x": { content: "x" } } };
  expect(look(inputs).files).toBeUndefined();
});

describe("users", () => {
  const passwd = () => readFileSync(at("etc/passwd"), "utf8").trim().split("\n").slice(2);
  test("have the lowest free ids from 1000 on, or the one that was given; home and keys are theirs", () => {
    apply({ users: { ada: { authorizedKeys: [KEY] }, bob: { uid: 1001, shell: "/bin/bash" }, eve: {} } });
    expect(passwd().sort()).toEqual([
      "ada:x:1000:1000::/home/ada:/bin/sh",
      "bob:x:1001:1001::/home/bob:/bin/bash",
      "eve:x:1002:1002::/home/eve:/bin/sh",
    ]);
    const home = lstatSync(at("home/ada"));
    const keys = lstatSync(at("home/ada/.ssh/authorized_keys"));
    expect([home.uid, home.mode & 0o777, keys.uid, keys.mode & 0o777]).toEqual([1000, 0o700, 1000, 0o600]);
  });
  test("without an id have none that a group has", () => {
    put("etc/group", "root:x:0:\ndaemon:x:1:\nshared:x:1000:\n");
    apply({ users: { ada: {} } });
    expect(passwd()).toEqual(["ada:x:1001:1001::/home/ada:/bin/sh"]);
  });
  test.each([
    ["user", "daemon", 1],
    ["group", "shared", 1000],
  ])("with an id that a %s has already are an error, and not made", (_, other, uid) => {
    put("etc/group", "root:x:0:\ndaemon:x:1:\nshared:x:1000:\n");
    const [step] = steps({ users: { ada: { uid } } });
    expect(run(step!.argv)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`the id ${uid} of ada is that of ${other} already: declare another uid`),
    });
    expect(passwd()).toEqual([]);
  });
  test("of the image keep their id, shell and home", () => {
    expect(apply({ users: { daemon: { uid: 7, shell: "/bin/bash", groups: ["wheel"] } } })).toEqual([
      "make-user daemon",
    ]);
    expect(readFileSync(at("etc/passwd"), "utf8")).toContain("daemon:x:1:1::/:/bin/false");
  });
});

describe("the console", () => {
  const inputs = { rootPassword: "x" };
  const open = () =>
    settingsSteps(target, look({}), { ...full({}), ...inputs }, written).filter((step) => step.id === "open-console");
  test("an image without securetty needs nothing", () => {
    expect(open()).toEqual([]);
  });
  test("an image with one: its terminals are added, and what was there stays", () => {
    put("etc/securetty", "tty1\nconsole");
    const [step] = open();
    expect(run(step!.argv, step!.stdin)).toMatchObject({ status: 0 });
    expect(readFileSync(at("etc/securetty"), "utf8")).toBe("tty1\nconsole\npts/0\n");
    expect(open()).toEqual([]);
  });
  test("of a root without a password it is left alone", () => {
    put("etc/securetty", "tty1\n");
    expect(settingsSteps(target, look({}), full({}), written).map((step) => step.id)).not.toContain("open-console");
  });
});
