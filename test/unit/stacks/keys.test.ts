import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../../../stacks/config.ts";
import { readKeys } from "../../../stacks/keys.ts";

const base = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
afterAll(() => rmSync(base, { recursive: true }));
writeFileSync(join(base, "id"), "PRIVATE");
writeFileSync(join(base, "id.pub"), "ssh-ed25519 AAAA id\n");
writeFileSync(join(base, "windows.pub"), "ssh-ed25519 AAAA one\r\nssh-ed25519 AAAA two\r\n");
writeFileSync(join(base, "team.pub"), "ssh-ed25519 AAAA one\n\n# two\nssh-ed25519 AAAA two\n \n");

const cases: [name: string, entries: string[], authorized: string[], identities: string[]][] = [
  ["none", [], [], []],
  [
    "lines",
    ["ssh-rsa AAAA me", 'from="*.pub" ssh-rsa AAAA x.pub'],
    ["ssh-rsa AAAA me", 'from="*.pub" ssh-rsa AAAA x.pub'],
    [],
  ],
  ["a file, and the private key beside it", ["id.pub"], ["ssh-ed25519 AAAA id"], ["id"]],
  ["a file of many", ["team.pub"], ["ssh-ed25519 AAAA one", "# two", "ssh-ed25519 AAAA two"], []],
  ["a file with the ends of lines of Windows", ["windows.pub"], ["ssh-ed25519 AAAA one", "ssh-ed25519 AAAA two"], []],
  ["both, in order", ["ssh-rsa AAAA me", "id.pub"], ["ssh-rsa AAAA me", "ssh-ed25519 AAAA id"], ["id"]],
  ["an absolute path", [join(base, "id.pub")], ["ssh-ed25519 AAAA id"], ["id"]],
];
test.each(cases)("keys: %s", (_, entries, authorized, identities) => {
  expect(readKeys("p", entries, base)).toEqual({ authorized, identities: identities.map((file) => join(base, file)) });
});

test("a private key is never read", () => {
  expect(JSON.stringify(readKeys("p", ["id.pub"], base))).not.toContain("PRIVATE");
});

test("a file below the home, and one with a blank in its name", () => {
  const home = process.env.HOME;
  process.env.HOME = base;
  writeFileSync(join(base, "my key.pub"), "ssh-ed25519 AAAA blank\n");
  try {
    expect(readKeys("p", ["~/id.pub"], "/nowhere").authorized).toEqual(["ssh-ed25519 AAAA id"]);
    expect(readKeys("p", ["my key.pub"], base).authorized).toEqual(["ssh-ed25519 AAAA blank"]);
  } finally {
    process.env.HOME = home;
  }
});

test("a missing file is a mistake in the configuration, with its path", () => {
  const read = () => readKeys("svirt-lxc:containers.web.authorizedKeys", ["id.pub", "x.pub"], base);
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(/svirt-lxc:containers\.web\.authorizedKeys\.1: .* file \S*\/x\.pub/);
});

test("a folder in place of a file is one, too", () => {
  mkdirSync(join(base, "folder.pub"));
  expect(() => readKeys("p", ["folder.pub"], base)).toThrow(ConfigError);
});
