import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check } from "../../../provider/engine/check.ts";
import { lxcImage } from "../../../provider/resources/lxc-image.ts";
import { makeArchive } from "../../support/host/archive.ts";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
afterAll(() => rmSync(folder, { recursive: true }));
const archive = join(folder, "base.tar");
await makeArchive(archive);
const digest = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");
const sha256 = digest(archive);
const text = join(folder, "text.tar");
writeFileSync(text, "not really a tar".repeat(1000));
const other = "0".repeat(64);
const missing = join(folder, "missing.tar");
const hostArchive = "/srv/base.tar";

const good: [name: string, given: object, sha256: string | undefined][] = [
  ["an archive: its sha256 is computed", { archive }, sha256],
  ["an archive and its sha256", { archive, sha256 }, sha256],
  ["an archive that is here no more, and its sha256", { archive: missing, sha256: other }, other],
  ["an archive on the host, and its sha256", { hostArchive, sha256: other }, other],
  ["an archive that is not known yet", { archive: UNKNOWN }, undefined],
  ["an archive that is not known yet, and a sha256", { archive: UNKNOWN, sha256 }, sha256],
  ["an archive on the host that is not known yet", { hostArchive: UNKNOWN, sha256 }, sha256],
  ["an archive on the host, its sha256 not known yet", { hostArchive, sha256: UNKNOWN }, UNKNOWN],
  ["an archive, its sha256 not known yet", { archive, sha256: UNKNOWN }, UNKNOWN],
];
test.each(good)("%s", async (_, given, expected) => {
  const { inputs, failures } = await check(lxcImage, { owner: "o", ...given });
  expect(failures).toEqual([]);
  expect(inputs).toEqual(
    JSON.parse(JSON.stringify({ connection: {}, retain: false, owner: "o", ...given, sha256: expected })),
  );
});

test("a host that is not known yet makes no other image of it", async () => {
  const connection = { ssh: UNKNOWN };
  const { inputs, failures } = await check(lxcImage, { owner: "o", archive, connection });
  expect({ inputs, failures }).toEqual({
    inputs: { owner: "o", retain: false, archive, connection, sha256 },
    failures: [],
  });
});

const wrong: [name: string, given: object, property: string, reason: RegExp][] = [
  ["no source", {}, "archive", /one of archive, .*apt, dnf, oci/],
  ["no source but a sha256", { sha256 }, "archive", /one of archive/],
  ["two sources", { archive, hostArchive, sha256 }, "hostArchive", /there is archive already/],
  ["an archive and packages", { archive, apt: { suite: "trixie" } }, "apt", /there is archive already/],
  ["an address without a sha256", { url: "https://example.org/base.tar" }, "sha256", /must be given/],
  ["an address that is none", { url: "base.tar", sha256 }, "url", /must be an address/],
  ["a distribution that no source knows", { pacman: { release: 1 } }, "pacman", /unknown property; .* apt, dnf, oci/],
  ["a suite that is none", { apt: { suite: "Debian 13" } }, "apt.suite", /name of a suite/],
  ["a suite that is an option", { apt: { suite: "--help" } }, "apt.suite", /name of a suite/],
  [
    "a package with a character of the shell",
    { apt: { suite: "trixie", packages: ["nginx", "vim;reboot"] } },
    "apt.packages[1]",
    /name of a package/,
  ],
  ["a package that is an option", { dnf: { release: 44, packages: ["-y"] } }, "dnf.packages[0]", /name of a package/],
  ["no packages", { dnf: { release: 44, packages: [] } }, "dnf.packages", /must name a package/],
  [
    "a mirror that is no address",
    { apt: { suite: "trixie", mirrors: [{ url: "mirror.example" }] } },
    "apt.mirrors[0].url",
    /must be an address/,
  ],
  ["a keyring that is no path", { apt: { suite: "trixie", keyring: "mine.gpg" } }, "apt.keyring", /absolute path/],
  ["a release that is no number", { dnf: { release: "44" } }, "dnf.release", /./],
  [
    "a repository without an address",
    { dnf: { release: 44, repositories: { local: { gpgkey: "/srv/key" } } } },
    "dnf.repositories.local.baseurl",
    /either baseurl or metalink/,
  ],
  [
    "a repository without a key",
    { dnf: { release: 44, repositories: { local: { baseurl: "file:///srv" } } } },
    "dnf.repositories.local.gpgkey",
    /./,
  ],
  [
    "a repository with the name of dnf's own section",
    { dnf: { release: 44, repositories: { main: { baseurl: "https://m.example", gpgkey: "/srv/key" } } } },
    "dnf.repositories.main",
    /settings of dnf itself/,
  ],
  [
    "a key where a build does not see it",
    { apt: { suite: "trixie", keyring: "/root/site.gpg" } },
    "apt.keyring",
    /does not see it/,
  ],
  [
    "a mirror where a build does not see it",
    { apt: { suite: "trixie", mirrors: [{ url: "file:///home/me/debian" }] } },
    "apt.mirrors[0].url",
    /does not see it/,
  ],
  [
    "a layout where a build does not see it",
    { oci: { from: "oci:/tmp/layout:base", digest: `sha256:${other}` } },
    "oci.from",
    /does not see it/,
  ],
  ["an image without a digest", { oci: { from: "docker://example.org/base" } }, "oci.digest", /./],
  [
    "a malformed digest",
    { oci: { from: "docker://example.org/base", digest: "sha256:abc" } },
    "oci.digest",
    /sha256: and 64/,
  ],
  [
    "an image with its digest in its name",
    { oci: { from: `docker://example.org/base@sha256:${other}`, digest: `sha256:${other}` } },
    "oci.from",
    /without a digest/,
  ],
  ["a sha256 of a recipe", { apt: { suite: "trixie" }, sha256: other }, "sha256", /is computed of apt/],
  ["an archive on the host without a sha256", { hostArchive }, "sha256", /must be given/],
  ["another sha256", { archive, sha256: other }, "sha256", new RegExp(`base\\.tar has the sha256 ${sha256}`)],
  ["a missing file", { archive: missing }, "archive", /cannot read .*missing\.tar/],
  ["a folder", { archive: folder }, "archive", /cannot read/],
  ["what is no archive", { archive: text }, "archive", /text\.tar is no tar archive/],
  ["what is no archive, and its sha256", { archive: text, sha256: digest(text) }, "archive", /is no tar archive/],
  ["an empty name", { archive: "" }, "archive", /./],
  ["no digest", { archive, sha256: "abc" }, "sha256", /64 lower-case hexadecimal/],
  ["a digest in upper case", { archive, sha256: sha256.toUpperCase() }, "sha256", /64 lower-case hexadecimal/],
  ["a relative path on the host", { hostArchive: "base.tar", sha256 }, "hostArchive", /absolute path on the host/],
];
test.each(wrong)("%s", async (_, given, property, reason) => {
  const { failures } = await check(lxcImage, { owner: "o", ...given });
  expect(failures).toEqual([{ property, reason: expect.stringMatching(reason) }]);
});

test("an archive that the state has is not looked into again", async () => {
  const { failures } = await check(lxcImage, { owner: "o", archive: text }, { sha256: digest(text) });
  expect(failures).toEqual([]);
  expect((await check(lxcImage, { owner: "o", archive: text }, { sha256: other })).failures).toHaveLength(1);
});

const named = async (given: object) => (await check(lxcImage, { owner: "o", ...given })).inputs.sha256;
test("a recipe is named by what it says, whatever the order of its packages, and by rebuild", async () => {
  const apt = { suite: "trixie", packages: ["dbus", "systemd-sysv"] };
  const name = await named({ apt });
  expect(name).toMatch(/^[0-9a-f]{64}$/);
  expect(await named({ apt: { ...apt, packages: ["systemd-sysv", "dbus", "dbus"] } })).toBe(name);
  const others = [
    { apt, rebuild: "2" },
    { apt: { ...apt, suite: "sid" } },
    { apt: { ...apt, packages: ["systemd-sysv"] } },
    { apt: { ...apt, mirrors: [{ url: "https://mirror.example/debian" }] } },
    { dnf: { release: 44 } },
    { dnf: { release: 45 } },
  ];
  expect(new Set([name, ...(await Promise.all(others.map(named)))]).size).toBe(others.length + 1);
});
