import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Step } from "../../../provider/host/batch.ts";
import { STORE } from "../../../provider/host/records.ts";
import { authorizedKeysStep } from "../../../provider/tools/root-settings/authorized-keys.ts";
import { hostKeyStep, identityStep } from "../../../provider/tools/root-settings/identity.ts";
import { namesStep, ownHostsLine, resolverText } from "../../../provider/tools/root-settings/names.ts";

// The very commands that write settings, on a store elsewhere: what they would have systemd-tmpfiles do is printed.
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
const base = join(folder, "roots/a/guest/root");
const idmap = { start: 1879048192, count: 65536 };
beforeEach(() => {
  for (const part of ["roots", "images"]) rmSync(join(folder, part), { recursive: true, force: true });
  mkdirSync(base, { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

const place = (path: string) => {
  mkdirSync(dirname(join(base, path)), { recursive: true });
  return join(base, path);
};
function root(files: Record<string, string>, links: Record<string, string> = {}): void {
  for (const [path, text] of Object.entries(files)) writeFileSync(place(path), text);
  for (const [path, target] of Object.entries(links)) symlinkSync(target, place(path));
}

const STANDINS =
  'unshare() { while [ "$1" != -- ]; do shift; done; shift; "$@"; }\ntmpfiles() { cat; }\nfirstboot() { :; }\n';
/** The lines that a step would have applied, with what they write in clear. */
function linesOf({ argv, stdin = "" }: Step): string[] {
  const words = argv.map((word) =>
    word
      .replaceAll(STORE, folder)
      .replaceAll("/run/svirt-lxc", folder)
      .replace(/\bsystemd-(tmpfiles|firstboot)\b/g, "$1"),
  );
  const [shell, option, script, ...args] = words;
  const own = args.map((word, i) => (args[i - 1] === "-c" ? `${STANDINS}${word}` : word));
  const text = `${STANDINS}${script}`;
  const run = spawnSync(shell!, [option!, text, ...own], { input: stdin, encoding: "utf8", timeout: 30_000 });
  expect({ stderr: run.stderr, status: run.status }).toEqual({ stderr: "", status: 0 });
  return run.stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => line.replace(/(?<= - - - ).*/, (base64) => Buffer.from(base64, "base64").toString()));
}

describe("/etc/hosts", () => {
  const own = "127.0.1.1 web.svirt-lxc.internal web";
  const localhost = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";
  const cases: [name: string, files: Record<string, string>, links: Record<string, string>, text: string][] = [
    ["none", {}, {}, `${localhost}${own}\n`],
    ["an empty one", { "etc/hosts": "" }, {}, `${localhost}${own}\n`],
    ["a dangling link", {}, { "etc/hosts": "../nowhere" }, `${localhost}${own}\n`],
    ["a link to a file of the host", {}, { "etc/hosts": "/etc/hosts" }, `${localhost}${own}\n`],
    ["a link in place of /etc", {}, { etc: "/etc" }, `${localhost}${own}\n`],
    [
      "the name of the machine that built it",
      { "etc/hosts": "127.0.0.1\tlocalhost\n127.0.1.1\tbuilder.example builder\n" },
      {},
      `127.0.0.1\tlocalhost\n::1 localhost ip6-localhost ip6-loopback\n${own}\n`,
    ],
    [
      "lines of its own",
      {
        "etc/hosts": "::1 ip6-localhost localhost\n127.0.0.1 localhost.localdomain localhost # me\n10.0.0.9 printer\n",
      },
      {},
      `::1 ip6-localhost localhost\n127.0.0.1 localhost.localdomain localhost # me\n10.0.0.9 printer\n${own}\n`,
    ],
    [
      "names that only look like localhost",
      { "etc/hosts": "127.0.0.1 localhost4\n" },
      {},
      `127.0.0.1 localhost4\n${localhost}${own}\n`,
    ],
  ];
  test.each(cases)("an image with %s", (_, files, links, text) => {
    root(files, links);
    expect(linesOf(namesStep("a", idmap, own, undefined)).join("\n")).toBe(
      `r /etc/hosts\nf+~ /etc/hosts 0644 - - - ${text}`,
    );
  });

  test.each(cases)("an image with %s: written again, it stays the same", (_, _files, _links, text) => {
    root({ "etc/hosts": text });
    expect(linesOf(namesStep("a", idmap, own, undefined)).join("\n")).toContain(` - - - ${text}`);
  });

  const names: [given: Parameters<typeof ownHostsLine>[0], line: string][] = [
    [{ hostname: "web" }, "127.0.1.1 web"],
    [{ hostname: "web", domain: "x.internal" }, "127.0.1.1 web.x.internal web"],
    [{ hostname: "web.example.net", domain: "x.internal" }, "127.0.1.1 web.example.net web"],
  ];
  test.each(names)("the own name of %j", (given, line) => {
    expect(ownHostsLine(given)).toBe(line);
  });
});

describe("/etc/resolv.conf", () => {
  const text = resolverText({ hostname: "a", nameserver: "10.213.0.1", domain: "svirt-lxc.internal" })!;
  const written = [
    "r /etc/resolv.conf",
    "f+~ /etc/resolv.conf 0644 - - - nameserver 10.213.0.1",
    "search svirt-lxc.internal",
  ];
  const stub = { "etc/resolv.conf": "../run/systemd/resolve/stub-resolv.conf" };
  const unit = { "usr/lib/systemd/system/systemd-resolved.service": "[Service]\n" };
  const enabled = {
    "etc/systemd/system/sysinit.target.wants/systemd-resolved.service":
      "/usr/lib/systemd/system/systemd-resolved.service",
  };
  const cases: [name: string, files: Record<string, string>, links: Record<string, string>, lines: string[]][] = [
    ["none", {}, {}, written],
    ["an empty one, as docker export leaves it", { "etc/resolv.conf": "" }, {}, written],
    ["that of the machine that built it", { "etc/resolv.conf": "nameserver 192.168.1.1\n" }, {}, written],
    ["a dangling link", {}, { "etc/resolv.conf": "/run/NetworkManager/resolv.conf" }, written],
    ["systemd-resolved and its link", unit, { ...stub, ...enabled }, []],
    [
      "systemd-resolved, enabled by the distribution, and its absolute link",
      unit,
      {
        "etc/resolv.conf": "/run/systemd/resolve/resolv.conf",
        "usr/lib/systemd/system/multi-user.target.wants/systemd-resolved.service": "../systemd-resolved.service",
      },
      [],
    ],
    [
      "systemd-resolved and its static file",
      unit,
      { ...enabled, "etc/resolv.conf": "/usr/lib/systemd/resolv.conf" },
      [],
    ],
    ["systemd-resolved's link, and it does not start", unit, stub, written],
    ["systemd-resolved's link, and it is not installed", {}, { ...stub, ...enabled }, written],
    [
      "systemd-resolved's link, and it is masked",
      unit,
      { ...stub, ...enabled, "etc/systemd/system/systemd-resolved.service": "/dev/null" },
      written,
    ],
    ["systemd-resolved and a file", { ...unit, "etc/resolv.conf": "" }, enabled, written],
  ];
  test.each(cases)("an image with %s", (_, files, links, lines) => {
    root(files, links);
    expect(
      linesOf(namesStep("a", idmap, undefined, text))
        .join("\n")
        .trim(),
    ).toBe(lines.join("\n"));
  });

  test("without a resolver there is no text, without a domain no search", () => {
    expect(resolverText({ hostname: "a", domain: "x" })).toBeUndefined();
    expect(resolverText({ hostname: "a", nameserver: "10.0.0.1" })).toBe("nameserver 10.0.0.1\n");
  });
});

describe("the authorized keys of root", () => {
  const keys = ["ssh-ed25519 AAAA one", "ssh-ed25519 AAAA two"];
  const cases: [name: string, files: Record<string, string>, links: Record<string, string>, lines: string[]][] = [
    ["a folder", { "root/x": "" }, {}, ["d /root/.ssh 0700", "f+~ /root/.ssh/authorized_keys"]],
    [
      "a link to a folder that is not there yet",
      {},
      { root: "var/roothome" },
      ["d /var/roothome 0700", "d /var/roothome/.ssh 0700", "f+~ /var/roothome/.ssh/authorized_keys"],
    ],
    [
      "a link to a folder",
      { "var/roothome/x": "" },
      { root: "var/roothome" },
      ["d /var/roothome/.ssh 0700", "f+~ /var/roothome/.ssh/authorized_keys"],
    ],
  ];
  test.each(cases)("whose home is %s", (_, files, links, [...lines]) => {
    root(files, links);
    const last = `${lines.pop()} 0600 - - - ${keys.join("\n")}\n`;
    expect(linesOf(authorizedKeysStep({ name: "a", idmap }, keys)).join("\n")).toBe([...lines, last].join("\n"));
  });
});

describe("the ssh host keys", () => {
  const image = "a".repeat(64);
  const has = (...types: string[]) => {
    const ssh = join(folder, "images", image, "root/etc/ssh");
    mkdirSync(ssh, { recursive: true });
    for (const type of types) writeFileSync(join(ssh, `ssh_host_${type}_key`), "the image's");
  };
  const made = (step: Step) =>
    linesOf(step)
      .filter((line) => line.startsWith("f+~"))
      .map((line) => line.split(" ").slice(1, 3).join(" "));
  const pair = (type: string) => [`/etc/ssh/ssh_host_${type}_key 0600`, `/etc/ssh/ssh_host_${type}_key.pub 0644`];
  const cases: [name: string, types: string[], made: string[]][] = [
    ["none", [], ["ed25519"]],
    ["three", ["ed25519", "rsa", "ecdsa"], ["ed25519", "rsa", "ecdsa"]],
    ["one that nobody makes any more", ["dsa", "ecdsa"], ["ed25519", "ecdsa"]],
  ];
  test.each(cases)("of an image with %s: ed25519, and each type that it has", (_, types, expected) => {
    has(...types);
    expect(made(identityStep("a", idmap, image))).toEqual(expected.flatMap(pair));
  });

  test("one that was lost later: the others stay", () => {
    has("rsa");
    expect(made(hostKeyStep("a", idmap))).toEqual(pair("ed25519"));
  });

  test("are other ones each time, and nothing of them stays on the host", () => {
    const once = linesOf(hostKeyStep("a", idmap)).join("\n");
    expect(once).toContain("BEGIN OPENSSH PRIVATE KEY");
    expect(linesOf(hostKeyStep("a", idmap)).join("\n")).not.toBe(once);
    expect(existsSync(folder) && spawnSync("sh", ["-c", `ls -d ${folder}/key.*`]).stdout.toString()).toBe("");
  });
});
