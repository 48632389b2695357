import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { faultOfArchive } from "../../../provider/tools/archive-contents.ts";
import { attribute, capability, member } from "../../support/tar-members.ts";

const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** An archive of these files and links, by GNU tar. */
function tree(files: string[], links: Record<string, string> = {}, ...options: string[]): Buffer {
  const dir = mkdtempSync(join(folder, "tree-"));
  for (const path of [...files, ...Object.keys(links)]) mkdirSync(join(dir, path, ".."), { recursive: true });
  for (const path of files) writeFileSync(join(dir, path), path);
  for (const [path, target] of Object.entries(links)) symlinkSync(target, join(dir, path));
  const { stdout, stderr } = spawnSync("tar", ["-C", dir, "--owner=0", "--group=0", ...options, "-c", "."]);
  expect(stderr.toString()).toBe("");
  return stdout;
}
const good = tree(["sbin/init"]);
const before = (...members: Buffer[]) => Buffer.concat([...members, good]);

async function faultOf(archive: Buffer, name: string): Promise<string | undefined> {
  const file = join(folder, name);
  writeFileSync(file, archive);
  return faultOfArchive(file);
}

const systemd = "usr/lib/systemd/systemd";
const long = `${"x".repeat(90)}/${"y".repeat(90)}`;
const accepted: [name: string, archive: Buffer, file?: string][] = [
  ["a tar", good],
  ["gzip", tree(["sbin/init"], {}, "--gzip"), "base.tgz"],
  ["xz", tree(["sbin/init"], {}, "--xz"), "base.tar.xz"],
  ["zstd", tree(["sbin/init"], {}, "--zstd"), "base.tar.zst"],
  ["without entries for folders", tree(["sbin/init"], {}, "--no-recursion", "./sbin/init", "--exclude=.")],
  ["long names, as GNU tar writes them", tree([`${long}/z`, "sbin/init"], {}, "--format=gnu")],
  ["long names, as POSIX has it", tree([`${long}/z`, "sbin/init"], {}, "--format=pax")],
  ["merged folders", tree([systemd], { sbin: "usr/sbin", lib: "usr/lib", "usr/sbin/init": "/lib/systemd/systemd" })],
  [
    "one folder for all programs",
    tree([systemd], { sbin: "usr/bin", "usr/sbin": "bin", "usr/bin/init": "../lib/systemd/systemd" }),
  ],
  ["device nodes in /dev", before(member("./dev/null", "3"), member("dev/pts/0", "3"), member("/dev/sda", "4"))],
  ["the last user", before(member("x", "0", { uid: 65_535 }))],
  ["a file capability", before(capability(2), member("ping", "0"))],
  ["a member of a kind that is not known", before(member("sparse", "S"), Buffer.alloc(512, "x"))],
];
test.each(accepted)("nothing is wrong with %s", async (_, archive, name = "base.tar") => {
  expect(await faultOf(archive, name)).toBeUndefined();
});

const init = /^holds no \/sbin\/init: make it with the package systemd-sysv/;
const userNamespace = /podman unshare tar/;
const refused: [name: string, archive: Buffer, fault: RegExp, file?: string][] = [
  ["nothing", Buffer.alloc(0), init],
  ["a text", Buffer.from("hello\n".repeat(1000)), /^is no tar archive/],
  ["cut off in a member", before(member("x", "0", { size: 1 << 20 })), /^is cut off or damaged/],
  ["cut off xz", tree(["sbin/init"], {}, "--xz").subarray(0, 100), /^is (no tar|cut off)/, "base.tar.xz"],
  ["cut off gzip", tree(["sbin/init"], {}, "--gzip").subarray(0, 100), /^is (no tar|cut off)/, "base.tgz"],
  ["damaged", Buffer.concat([good.subarray(0, 512), Buffer.alloc(512, "x")]), /^is cut off or damaged/],
  ["gzip by another name", tree(["sbin/init"], {}, "--gzip"), /^is compressed \(gzip\).*end in \.tar\.gz$/],
  ["xz under the name of zstd", tree(["sbin/init"], {}, "--xz"), /end in \.tar\.xz$/, "base.tar.zst"],
  ["a tar under the name of gzip", good, /^is not compressed, .*end in \.tar$/, "base.tar.gz"],
  ["bzip2", Buffer.from("BZh91AY"), /^is bzip2: make a \.tar of it/, "base.tar.bz2"],
  ["squashfs", Buffer.from("hsqs...."), /^is squashfs: /, "base.squashfs"],
  ["no init", tree(["etc/issue"]), init],
  [
    "an init that leads nowhere",
    tree([], { sbin: "usr/sbin", "usr/sbin/init": "/lib/x" }),
    /no \/sbin\/init \(it leads to \/lib\/x\)/,
  ],
  ["an init that leads in a circle", tree([], { sbin: "bin", bin: "sbin" }), /no \/sbin\/init/],
  ["a root in a folder", tree(["rootfs/usr/sbin/init"]), /in the folder rootfs: .*tar -C rootfs -c/],
  ["an image of an application", tree(["manifest.json", "a/layer.tar"]), /podman export/],
  ["a character device", before(member("null", "3")), /device node \/null, /],
  ["a block device in a folder", before(member("./etc/dev/sda", "4")), /device node \/etc\/dev\/sda, /],
  ["a user beyond the range", before(member("x", "0", { uid: 65_536 })), /\/x of user 65536/],
  [
    "a group beyond the range",
    before(attribute("gid", "100000"), member("x", "0")),
    /\/x of group 100000.*podman unshare/,
  ],
  ["a path upwards", before(member("etc/../../x", "0")), /the path etc\/\.\.\/\.\.\/x, /],
  ["a file capability of a user namespace", before(capability(3), member("ping", "0")), userNamespace],
];
test.each(refused)("%s is refused", async (_, archive, fault, name = "base.tar") => {
  expect(await faultOf(archive, name)).toMatch(fault);
});
