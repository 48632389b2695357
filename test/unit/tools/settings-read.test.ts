import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { STORE } from "../../../provider/host/store.ts";
import { parseSettings, settingsRead } from "../../../provider/tools/root-settings.ts";

// The very command that reads the settings, on a store elsewhere: its roots count as mounted, and it stays its own user.
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
const SYSTEM = "etc/systemd/system";
beforeEach(() => rmSync(join(folder, "roots"), { recursive: true, force: true }));
afterAll(() => rmSync(folder, { recursive: true }));

const STANDINS = 'mountpoint() { :; }\nunshare() { while [ "$1" != -- ]; do shift; done; shift; "$@"; }\n';
function read(name: string) {
  const [shell, option, script, ...args] = settingsRead("*").argv;
  const text = STANDINS + script!.replaceAll(STORE, folder).replaceAll("/run/svirt-lxc", folder);
  const { stdout, stderr, status } = spawnSync(shell!, [option!, text, ...args], { encoding: "utf8" });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return parseSettings({ exit: 0, stdout, stderr }, name);
}

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
    enabled: ["nginx.service"],
    masked: ["x.mount"],
    hasMachineId: true,
    hostKey: key("a"),
  });
  expect(read("b")).toMatchObject({ hostname: "b", enabled: [], hostKey: key("b") });
  expect(read("c")).toBeUndefined();
});

const planted: [name: string, files: Record<string, string>, links: Record<string, string>][] = [
  ["a link in place of a file", {}, { "etc/hostname": "/etc/hostname" }],
  ["a link in place of a folder", {}, { etc: "/etc" }],
  ["a link to a secret of the host", {}, { "root/.ssh/authorized_keys": "/etc/shadow" }],
  ["a huge file", { "root/.ssh/authorized_keys": "x".repeat(200_000) }, {}],
];
test.each(planted)("%s is not followed, and not read", (_, planted, links) => {
  root("a", { keep: "", ...planted }, links);
  const found = read("a");
  expect(found?.hostname).toBeUndefined();
  expect(found?.authorizedKeys).toBeUndefined();
});

test("the private key is not read", () => {
  root("a", files("a"));
  expect(JSON.stringify(read("a"))).not.toContain("PRIVATE");
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
