import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { commandOf, type Outcome } from "../../../provider/host/batch.ts";
import { STORE } from "../../../provider/host/records.ts";
import { isUnreadable, parseSettings, settingsRead } from "../../../provider/tools/root-settings.ts";

// The very command that reads the settings, on a store elsewhere: its roots count as mounted, and it stays its own user.
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
const SYSTEM = "etc/systemd/system";
beforeEach(() => rmSync(join(folder, "roots"), { recursive: true, force: true }));
afterAll(() => rmSync(folder, { recursive: true }));

const STANDINS = 'mountpoint() { :; }\nunshare() { while [ "$1" != -- ]; do shift; done; shift; "$@"; }\n';
function look(name: string, standIns = "", inside = ""): Outcome {
  const [shell, option, script, ...args] = commandOf(settingsRead(name));
  const text = STANDINS + standIns + script!.replaceAll(STORE, folder).replaceAll("/run/svirt-lxc", folder);
  const command = text.replace(`sh -c 'timeout`, () => `sh -c '${inside}\ntimeout`);
  const { stdout, stderr, status } = spawnSync(shell!, [option!, command, ...args], {
    encoding: "utf8",
    timeout: 30_000,
  });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return { exit: 0, stdout, stderr };
}
const read = (name: string) => parseSettings(look("*"), name);

/** A root with these files, and links to these targets. */
function root(name: string, files: Record<string, string>, links: Record<string, string> = {}): void {
  const base = join(folder, "roots", name, "guest", "root");
  const place = (path: string) => {
    mkdirSync(dirname(join(base, path)), { recursive: true });
    return join(base, path);
  };
  for (const [path, text] of Object.entries(files)) writeFileSync(place(path), text);
  for (const [path, target] of Object.entries(links)) symlinkSync(target, place(path));
  writeFileSync(join(folder, "roots", name, "root.json"), "{}");
}

const key = (name: string) => `ssh-ed25519 AAAA${name}`;
const files = (name: string) => ({
  "etc/hostname": `${name}\n`,
  "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
  "etc/ssh/ssh_host_ed25519_key.pub": `${key(name)}\n`,
  "etc/ssh/ssh_host_ed25519_key": "PRIVATE",
  "root/.ssh/authorized_keys": "ssh-ed25519 AAAA one\nssh-ed25519 AAAA two\n",
});

test("the settings of two roots, by one look", () => {
  const wants = `${SYSTEM}/multi-user.target.wants/nginx.service`;
  root("a", files("a"), { [wants]: "/usr/lib/systemd/system/nginx.service", [`${SYSTEM}/x.mount`]: "/dev/null" });
  root("b", files("b"));
  expect(read("a")).toEqual({
    hostname: "a",
    authorizedKeys: ["ssh-ed25519 AAAA one", "ssh-ed25519 AAAA two"],
    networkFile: false,
    dhcp: false,
    pingFile: false,
    enabled: ["nginx.service"],
    masked: ["x.mount"],
    hasMachineId: true,
    hostKey: key("a"),
  });
  expect(read("b")).toMatchObject({ hostname: "b", enabled: [], hostKey: key("b") });
  expect(read("c")).toBeUndefined();
});

// What lies outside of the root, and a link could lead to.
const outside = join(folder, "outside");
mkdirSync(join(outside, ".ssh"), { recursive: true });
writeFileSync(join(outside, "hostname"), "stranger\n");
writeFileSync(join(outside, ".ssh/authorized_keys"), "ssh-ed25519 AAAA stranger\n");

const HOSTNAME = "etc/hostname";
const KEYS = "root/.ssh/authorized_keys";
type Planted = [name: string, remove: string[], files: Record<string, string>, links: Record<string, string>];
const planted: Planted[] = [
  ["a link in place of a file", [HOSTNAME], {}, { [HOSTNAME]: join(outside, "hostname") }],
  ["a link in place of the keys", [KEYS], {}, { [KEYS]: join(outside, ".ssh/authorized_keys") }],
  ["a link in place of the folder of the keys", [KEYS], {}, { "root/.ssh": join(outside, ".ssh") }],
  ["a home outside of the root", [KEYS], {}, { root: outside }],
  ["a home that climbs out of the root", [KEYS], {}, { root: "../../../../outside" }],
  ["a home that is a link to itself", [KEYS], {}, { root: "root" }],
  ["a huge file", [KEYS], { [KEYS]: "x".repeat(200_000) }, {}],
];
test.each(planted)("%s is not followed, and not read; the rest is", (_, remove, planted, links) => {
  const honest: Record<string, string> = { ...files("a") };
  for (const path of remove) delete honest[path];
  root("a", { ...honest, ...planted }, links);
  const { hostname, authorizedKeys, hostKey } = read("a")!;
  expect({ hostname, authorizedKeys, hostKey }).toEqual({
    hostname: remove.includes(HOSTNAME) ? undefined : "a",
    authorizedKeys: remove.includes(KEYS) ? undefined : ["ssh-ed25519 AAAA one", "ssh-ed25519 AAAA two"],
    hostKey: key("a"),
  });
});

test("a link in place of /etc: nothing below it is read, and the keys are", () => {
  root("a", { [KEYS]: "ssh-ed25519 AAAA one\n" }, { etc: outside });
  expect(read("a")).toEqual({
    authorizedKeys: ["ssh-ed25519 AAAA one"],
    networkFile: false,
    dhcp: false,
    pingFile: false,
    enabled: [],
    masked: [],
    hasMachineId: false,
  });
});

const passwd = (home: string) => `daemon:x:1:1::/:\nroot:x:0:0:root:${home}:/bin/sh\n`;
const homes: [name: string, home: string, files: Record<string, string>, links: Record<string, string>][] = [
  ["a folder", "root", {}, {}],
  ["a link, as ostree and bootc have it", "var/roothome", {}, { root: "var/roothome" }],
  ["an absolute link", "var/roothome", {}, { root: "/var/roothome" }],
  ["a link to a link, with dots", "var/home/root", {}, { root: "./var/x/../y", "var/y": "/../var/home/root" }],
  ["what etc/passwd names", "home/admin", { "etc/passwd": passwd("/home/admin") }, {}],
  ["a link in what etc/passwd names", "var/home/admin", { "etc/passwd": passwd("/home/admin") }, { home: "var/home" }],
  ["the root itself", ".", { "etc/passwd": passwd("/") }, {}],
];
test.each(homes)("root's home is %s: its keys are read there", (_, home, more, links) => {
  const { [KEYS]: keys, ...rest } = files("a");
  root("a", { ...rest, ...more, [`${home}/.ssh/authorized_keys`]: keys }, links);
  expect(read("a")).toMatchObject({ hostname: "a", authorizedKeys: ["ssh-ed25519 AAAA one", "ssh-ed25519 AAAA two"] });
});

test("a slow root delays no other one, and counts as unreadable", () => {
  for (const name of ["a", "b", "c"]) root(name, files(name));
  // Each look waits until all of them have begun, which they do only side by side; the one that waits longest is cut off.
  const begun = join(folder, "begun");
  mkdirSync(begun, { recursive: true });
  const wait = `timeout() { shift; case $PWD in */roots/a/*) return 124;; esac; "$@"; }`;
  const rendezvous = `inside_begun() {
  : >"${begun}/$1"; tries=0
  until [ "$(ls "${begun}" | wc -l)" -ge 3 ]; do
    tries=$((tries + 1)); [ $tries -le 100 ] || { echo "alone" >&2; return; }
    sleep 0.1
  done
}`;
  const outcome = look(
    "*",
    `${rendezvous}\nstat() { inside_begun "$(basename "$(dirname "$3")")"; command stat "$@"; }\n`,
    wait,
  );
  expect(parseSettings(outcome, "b")).toMatchObject({ hostname: "b" });
  expect(parseSettings(outcome, "c")).toMatchObject({ hostname: "c" });
  expect(isUnreadable(outcome, "a")).toBe(true);
  expect(outcome.stdout.split("\n").filter((line) => line.endsWith(" mounted"))).toEqual([
    "a mounted",
    "b mounted",
    "c mounted",
  ]);
});

test("the private key is not read, though its public half is", () => {
  root("a", files("a"));
  const found = read("a")!;
  expect(found.hostKey).toBe(key("a"));
  expect(JSON.stringify(found)).not.toContain("PRIVATE");
});

// Who is root in a container names files as it likes. What it says is not taken for what another container says.
const forged = "x\nb mounted\nb etc/ssh/ssh_host_ed25519_key.pub:ssh-ed25519 EVIL\nb etc/hostname:evil\nb unit:y /z";
const forgeries: [name: string, links: Record<string, string>][] = [
  ["the target of a link", { [`${SYSTEM}/evil.service`]: forged }],
  ["the name of a link", { [`${SYSTEM}/x\nb unit:evil.service`]: "/x" }],
  ["the name of a folder", { [`${SYSTEM}/x\nb unit:evil.wants/x\nb unit:evil.service`]: "/x" }],
];
test.each(forgeries)("%s forges nothing of another root", (_, links) => {
  root("b", files("b"));
  const honest = read("b");
  root("a", files("a"), links);
  root("c", files("c"), links);
  expect(read("b")).toEqual(honest);
});
