import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { extract, type Headers } from "tar-stream";
import { decompression } from "./archive.ts";

/**
 * What a look at an archive on the workstation tells, before it is uploaded: why the host would refuse it, or a container could
 * not start from it. The host checks what it unpacks all the same (tools/archive.ts).
 */
export async function faultOfArchive(file: string): Promise<string | undefined> {
  const option = decompression(file);
  const found = await compressionOf(file);
  if (found !== option) return wrongName(found, option);
  const contents = new Contents();
  try {
    await pipeline([...unpacked(file, option), extract({ allowUnknownFormat: true }).on("entry", contents.add)]);
  } catch (error) {
    if (isMissing(error)) return undefined; // no xz here: the host has the first word
    return contents.fault ?? contents.faultOf(error as Error);
  }
  return contents.faultOfAll();
}

/** The beginnings of files (file(1) knows more), and the option by which tar unpacks them, if we have it do that. */
const BEGINNINGS: [bytes: string, what: string, option?: string][] = [
  ["1f8b", "gzip", "--gzip"],
  ["fd377a585a00", "xz", "--xz"],
  ["28b52ffd", "zstd", "--zstd"],
  ["425a68", "bzip2"],
  ["04224d18", "lz4"],
  ["504b0304", "zip"],
  ["68737173", "squashfs"],
];
const EXTENSIONS: Record<string, string> = { "--gzip": ".tar.gz", "--xz": ".tar.xz", "--zstd": ".tar.zst" };

/** The option that its content asks for, or what else it is; "" of what is not compressed. */
async function compressionOf(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(6), 0, 6, 0);
    const start = buffer.subarray(0, bytesRead).toString("hex");
    const [, what = "", option] = BEGINNINGS.find(([bytes]) => start.startsWith(bytes)) ?? [];
    return option ?? what;
  } finally {
    await handle.close();
  }
}

function wrongName(found: string, option: string): string {
  if (found === "") return `is not compressed, but its name says so: rename it to end in .tar`;
  const extension = EXTENSIONS[found];
  if (extension)
    return `is compressed (${found.slice(2)}), and its name does not say so: rename it to end in ${extension}`;
  const here = option === "" ? "" : `, not what its name says`;
  return `is ${found}${here}: make a .tar of it, or a .tar.gz, .tar.xz or .tar.zst`;
}

function unpacked(file: string, option: string): [Readable, ...Duplex[]] {
  if (option === "--xz") {
    // The workstation's own: Node has none.
    const xz = spawn("xz", ["--decompress", "--stdout", "--", file], { stdio: ["ignore", "pipe", "ignore"] });
    xz.once("error", (error) => xz.stdout.destroy(error));
    return [xz.stdout];
  }
  const content = createReadStream(file, { highWaterMark: 1 << 20 });
  if (option === "--gzip") return [content, createGunzip()];
  if (option === "--zstd") return [content, createZstdDecompress()];
  return [content];
}

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === "ENOENT";

class Fault extends Error {}

/** As the reader makes it: its types leave out the extended header (pax(1)). */
type Member = Headers & { pax?: Record<string, string> | null };

/** The members of an archive as they come, by their path below the root. */
class Contents {
  fault: string | undefined;
  readonly #paths = new Set<string>();
  readonly #links = new Map<string, string>();
  /** A member of a kind that this reader does not know, such as a sparse file of old: what follows may not be a member. */
  #isUncertain = false;

  add = (header: Member, content: Readable, next: (error?: Error) => void): void => {
    this.fault = this.#faultOfMember(header);
    content.on("error", () => undefined).resume(); // it comes from the reader, too
    next(this.fault === undefined ? undefined : new Fault());
  };

  #faultOfMember(header: Member): string | undefined {
    const { name, type, linkname } = header;
    const parts = name.split("/").filter((part) => part !== "" && part !== ".");
    const path = parts.join("/");
    this.#isUncertain ||= !type;
    this.#paths.add(path);
    if (type === "symlink" && linkname) this.#links.set(path, linkname);

    if (parts.includes(".."))
      return `holds the path ${name}, which leads out of the root: make it with tar -C ROOT -c .`;
    if (parts[0] === "dev" && parts.length > 1) return undefined;
    if (type === "character-device" || type === "block-device")
      return `holds the device node /${path}, which no container may have outside of /dev: make it without (tar --exclude)`;
    for (const [what, id] of [
      ["user", Number(header.pax?.uid ?? header.uid)],
      ["group", Number(header.pax?.gid ?? header.gid)],
    ] as const) {
      if (id > 65_535)
        return `holds /${path} of ${what} ${id}, and a container has ids up to 65535: make it in the user namespace that these ids are from (podman unshare tar, lxc-usernsexec -- tar)`;
    }
    if (isOfUserNamespace(header.pax?.["SCHILY.xattr.security.capability"]))
      return `holds /${path} with a file capability that counts in one user namespace only: make it in there (podman unshare tar, lxc-usernsexec -- tar)`;
    return undefined;
  }

  /** Why it could not be read to its end. */
  faultOf(error: Error): string | undefined {
    if (this.#isUncertain) return undefined;
    if (this.#paths.size === 0) return `is no tar archive (${error.message})`;
    return `is cut off or damaged (${error.message}): copy it or make it again`;
  }

  /** What only shows at its end. */
  faultOfAll(): string | undefined {
    const lost = this.#lookUp("sbin/init");
    if (lost === undefined) return undefined;
    const [, folder] =
      [...this.#paths].map((path) => /^(?!usr\/)(.+?)\/(?:usr\/)?sbin\/init$/.exec(path)).find(Boolean) ?? [];
    if (folder) return `has its root in the folder ${folder}: make it of what is in there (tar -C ${folder} -c .)`;
    if (this.#paths.has("manifest.json") || this.#paths.has("oci-layout"))
      return "holds the layers of an application image, not a root file system: export a container of it (podman export)";
    const why = lost === "sbin/init" ? "" : ` (it leads to /${lost})`;
    return `holds no /sbin/init${why}: make it with the package systemd-sysv of Debian, or systemd of others`;
  }

  /** Where a path ends that is not there, links in the root followed; undefined if it is there. */
  #lookUp(path: string): string | undefined {
    let todo = path.split("/");
    let at: string[] = [];
    for (let links = 0; todo.length > 0 && links < 40; ) {
      const part = todo.shift()!;
      if (part === "..") at.pop();
      else if (part !== "" && part !== ".") at.push(part);
      const target = this.#links.get(at.join("/"));
      if (target === undefined) continue;
      links++;
      at = target.startsWith("/") ? [] : at.slice(0, -1);
      todo = [...target.split("/"), ...todo];
    }
    const end = at.join("/");
    return todo.length === 0 && this.#paths.has(end) ? undefined : end;
  }
}

// VFS_CAP_REVISION_3 in the fourth byte (linux/capability.h). The reader has made text of the bytes, which keeps those below 128.
function isOfUserNamespace(capability: string | undefined): boolean {
  return capability?.[3] === "\x03";
}
