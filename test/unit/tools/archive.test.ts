import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unpack } from "../../../provider/tools/archive.ts";
import { capability, member } from "../../support/tar-members.ts";

// The very command that unpacks an image, on archives that mean well and ill.
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
const staging = join(folder, "store", "staging", "x");
const unpacked = (path: string) => join(staging, "root", path);
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => rmSync(join(folder, "store"), { recursive: true, force: true }));

const tree = join(folder, "tree");
mkdirSync(join(tree, "sbin"), { recursive: true });
mkdirSync(join(tree, "etc"));
writeFileSync(join(tree, "sbin", "init"), "#!/bin/sh\n", { mode: 0o755 });
writeFileSync(join(tree, "etc", "issue"), "hello\n");
symlinkSync("/etc/issue", join(tree, "link"));

function tar(...args: string[]): Buffer {
  const { stdout, stderr } = spawnSync("tar", ["-C", tree, "-c", ...args], { maxBuffer: 1e8 });
  expect(stderr.toString()).toBe("");
  return stdout;
}
const good = tar("--owner=7:7", "--group=8:8", ".");

const before = (...members: Buffer[]) => Buffer.concat([...members, good]);

function run(
  archive: Buffer,
  { name = "base.tar", sha256 = digest(archive), from = "stdin" as "stdin" | "host" } = {},
) {
  const path = join(folder, name);
  if (from === "host") writeFileSync(path, archive);
  const [command = "", ...args] = unpack(from === "host" ? path : name, sha256, staging, from);
  const { status, stderr } = spawnSync(command, args, { input: from === "host" ? "" : archive, encoding: "utf8" });
  return { status, stderr };
}
const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

const zipped = (option: string) => tar(option, ".");
const accepted: [name: string, archive: Buffer, file: string][] = [
  ["a tar", good, "base.tar"],
  ["gzip", zipped("--gzip"), "base.tar.gz"],
  ["xz", zipped("--xz"), "base.txz"],
  ["zstd", zipped("--zstd"), "base.tar.zst"],
];
for (const from of ["stdin", "host"] as const) {
  test.each(accepted)(`from ${from}: %s is unpacked, and nothing is left besides`, (_, archive, name) => {
    expect(run(archive, { name, from })).toEqual({ status: 0, stderr: "" });
    expect(readFileSync(unpacked("etc/issue"), "utf8")).toBe("hello\n");
    expect(readdirSync(staging)).toEqual(["root"]);
    expect(lstatSync(unpacked("")).mode & 0o777).toBe(0o755);
  });
}

test("users and groups are kept by number", () => {
  run(good);
  const { uid, gid } = lstatSync(unpacked("etc/issue"));
  expect({ uid, gid }).toEqual({ uid: 7, gid: 8 });
});

const strict = (work: () => unknown) => {
  const umask = process.umask(0o077); // that of a batch
  try {
    work();
  } finally {
    process.umask(umask);
  }
};

test("a folder that the archive has no entry for gets the usual mode", () => {
  strict(() => run(tar("--no-recursion", "etc/issue", "sbin/init")));
  for (const path of ["etc", "sbin"]) expect(lstatSync(unpacked(path)).mode & 0o777).toBe(0o755);
  expect(lstatSync(staging).mode & 0o777).toBe(0o700);
});

test.each(["dev/", "./dev/", "/dev/"])("what is in %s stays out, and the folder is there", (dev) => {
  const nodes = [member(`${dev}null`, "3"), member(`${dev}pts/0`, "3"), member(`usr/${dev}kept`, "0")];
  expect(run(before(...nodes))).toMatchObject({ status: 0 });
  expect(readdirSync(unpacked("dev"))).toEqual([]);
  expect(lstatSync(unpacked("dev")).mode & 0o777).toBe(0o755);
  expect(existsSync(unpacked("usr/dev/kept"))).toBe(true);
});

test("a file capability that acts in every container is kept", () => {
  expect(run(before(capability(2), member("etc/ping", "0")))).toEqual({ status: 0, stderr: "" });
  expect(spawnSync("tar", ["--xattrs", "-c", "-C", unpacked("etc"), "ping"]).stdout.toString("latin1")).toContain(
    "security.capability=\x01\0\0\x02\0\x20",
  );
});

test("what an interrupted run left is removed first", () => {
  mkdirSync(unpacked("old"), { recursive: true });
  run(good);
  expect(existsSync(unpacked("old"))).toBe(false);
});

const outside = join(folder, "outside");
const refused: [name: string, archive: Buffer, why: RegExp, options?: { sha256?: string; name?: string }][] = [
  ["another sha256", good, /sha256 is [0-9a-f]{64}, not 0{64}/, { sha256: "0".repeat(64) }],
  ["a byte changed", before(Buffer.from(member("x", "0"))), /sha256 is/, { sha256: digest(good) }],
  ["nothing", Buffer.alloc(0), /./],
  ["no archive", Buffer.from("hello\n".repeat(1000)), /could not be unpacked/],
  ["cut off", zipped("--gzip").subarray(0, 100), /could not be unpacked/, { name: "base.tgz" }],
  [
    "a character device",
    before(member("null", "3")),
    /device node outside of \/dev, .*: \/null;|could not be unpacked/,
  ],
  [
    "a block device in a folder",
    before(member("etc/sda", "4")),
    /device node outside of \/dev, .*: \/etc\/sda;|could not be unpacked/,
  ],
  ["a user beyond the range", before(member("x", "0", { uid: 65_536 })), /user or group above 65535: \/x/],
  ["a path upwards", before(member("../outside", "0")), /could not be unpacked/],
  ["no init", tar("etc"), /no \/sbin\/init/],
  [
    "a file capability of a user namespace",
    before(capability(3), member("etc/ping", "0")),
    /one user namespace only: \/?etc\/ping;/,
  ],
];
test.each(refused)("%s is refused, and nothing is left", (_, archive, why, options = {}) => {
  const { status, stderr } = run(archive, options);
  expect(status).not.toBe(0);
  expect(stderr).toMatch(why);
  expect(existsSync(staging)).toBe(false);
});

test("a missing file of the host is refused", () => {
  const [command = "", ...args] = unpack(join(folder, "missing.tar"), "0".repeat(64), staging, "host");
  expect(spawnSync(command, args).status).not.toBe(0);
  expect(existsSync(staging)).toBe(false);
});

test("a file through a link that leads out is not written there", () => {
  mkdirSync(outside, { recursive: true });
  run(before(member("door", "2", { link: outside }), member("door/evil", "0")));
  expect(readdirSync(outside)).toEqual([]);
});

test("an absolute path lies in the folder", () => {
  const { status } = run(before(member(`${outside}-absolute`, "0")));
  expect(existsSync(`${outside}-absolute`)).toBe(false);
  expect(status).toBe(0);
});
