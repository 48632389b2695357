import { z } from "zod";
import type { Outcome, Read, Step } from "../host/batch.ts";
import type { Problem } from "../host/errors.ts";
import { STORE } from "../host/records.ts";
import { formatMemory, parseMemory } from "./memory.ts";
import { PIPED } from "./piped.ts";

/*
 * The limit of what a container writes: everything that it changes in its root lies in one file of the host, which has a file
 * system of its own. A full one is full for this container only. The file is sparse: it takes of the host what was written.
 */

/** The size of a root that is made without one being asked for. */
export const DEFAULT_DISK = "4GiB";

const MIB = 1024 ** 2;
const SMALLEST = 64 * MIB; // below it, ext4 has hardly room for its own journal
const LARGEST = 15 * 1024 ** 2 * MIB; // an ext4 host takes no file of 16 TiB

/** An input: a whole number of MiB or GiB. */
export const diskSchema = z
  .string()
  .refine((text) => isDiskSize(text), "must be a whole number of MiB or GiB, from 64MiB to 15360GiB, such as 10GiB");

function isDiskSize(text: string): boolean {
  const bytes = text.endsWith("KiB") ? Number.NaN : bytesOf(text);
  return bytes >= SMALLEST && bytes <= LARGEST;
}

/** "10GiB" in bytes. */
export function bytesOf(text: string): number {
  return (parseMemory(text) ?? Number.NaN) * 1024;
}

/** Bytes in the largest unit that needs no fraction. */
export function formatDisk(bytes: number): string {
  return formatMemory(Math.floor(bytes / 1024));
}

/** Why a disk cannot become smaller: ext4 cannot while it is mounted, and what is in the way would have to go. */
export const SHRINK_REMEDY =
  "keep the size that it has, or change `rebuild` with it, which makes the root anew: everything that was written into it is lost then";

/** The disk of a root as it is on the host, in bytes. */
export interface Disk {
  /** The size of its file; undefined if there is none. */
  file?: number;
  /** The size of the file system in it, which is the limit; undefined if it is not mounted. */
  mounted?: number;
}

/** The parts of it below the folder of the layers. */
const FILE = "disk.img";
const MOUNT = "disk";
const MAPPED = "mapped";

/** The places at which it is mounted, the last one first. */
export function diskMounts(layers: string): string[] {
  return [`${layers}/${MAPPED}`, `${layers}/${MOUNT}`];
}

/** Where the layers above the image are. */
export function upperFolder(layers: string): string {
  return `${layers}/${MAPPED}`;
}

/**
 * The lines by which the unit of a root mounts its disk before anything else, and unmounts it after that.
 *
 * - The mount is made in the domain that the host's policy has for it (`+`: not in that of the unit): only that one, and not
 *   the mounter, may use block devices.
 * - minixdf: the size that df shows is that of the file, and with it a look at the mounts tells the limit.
 * - Direct I/O: what is written is not kept in memory twice. Where the host's file system cannot, it is done without.
 * - Ids on disk are those inside, from 0 on; the second range is for the work folder, which the mounter makes as itself.
 */
export function diskUnitLines(layers: string, { start, count }: { start: number; count: number }) {
  const file = `${layers}/${FILE}`;
  const ids = `b:0:${start}:${count} b:${count}:0:1`;
  return {
    modules: ["modprobe@loop.service", "modprobe@ext4.service"],
    start: [
      `ExecStart=+/usr/bin/mount -i -n -t ext4 -o loop,nodev,nosuid,noexec,noatime,discard,minixdf ${file} ${layers}/${MOUNT}`,
      `ExecStart=+-/bin/sh -c 'losetup --direct-io=on "$(losetup -nO NAME -j ${file})"'`,
      `ExecStart=/usr/bin/mount -i -n -t none -o 'bind,X-mount.idmap=${ids}' ${layers}/${MOUNT} ${layers}/${MAPPED}`,
    ],
    stop: [`ExecStop=/usr/bin/umount -i -n ${layers}/${MAPPED}`, `ExecStop=+/usr/bin/umount -i -n ${layers}/${MOUNT}`],
  };
}

/** For the look at the mounts of the roots that are the arguments, among their folders: the files that there are, and their sizes. */
export const DISK_LOOK = `disks=
for name; do
  for d in ${STORE}/roots/$name/layers/${FILE}; do [ ! -f "$d" ] || disks="$disks $d"; done
done
[ -z "$disks" ] || stat -c '%n %s' $disks`;

/** For a list of mounts with their sizes in the last column, one that stays of mounts in the store only, sizes only of disks. */
export const DISK_MOUNTS_ONLY = `sed -n '\\,^${STORE}/,{\\,/layers/${MOUNT} ,!s/ [^ ]*$//;p;}'`;

/** The rest of each line by its first word; of several with the same one, the first counts. */
export function byFirstWord(text: string): Map<string, string> {
  const lines = text.split("\n").map((line) => /^(\S+) ?(.*)$/.exec(line)?.slice(1) ?? []);
  return new Map(lines.reverse().map(([word = "", rest = ""]) => [word, rest]));
}

/** What these looks, by their first words, tell of the disk of a root. */
export function parseDisk(
  disks: ReadonlyMap<string, string>,
  mounts: ReadonlyMap<string, string>,
  layers: string,
): Disk {
  const file = disks.get(`${layers}/${FILE}`);
  const mount = mounts.get(`${layers}/${MOUNT}`);
  return {
    ...(file !== undefined && { file: Number(file) }),
    ...(mount !== undefined && { mounted: Number(mount.split(" ").at(-1)) }),
  };
}

// The file gets its name when it is complete. Its folders come from a pattern: nothing has to be mounted, and they have the label
// of the store. The tables of inodes need not be written, as a new file is zeros.
const CREATE = `${PIPED}
cd "$1" || exit 1
rm -rf pattern && mkdir -p ${MOUNT} ${MAPPED} pattern/upper pattern/work && chmod 0755 pattern/upper && rm -f ${FILE}.new &&
  truncate -s "$2" ${FILE}.new && piped restorecon ${FILE}.new &&
  mke2fs -q -t ext4 -b 4096 -i 16384 -m 0 -E root_owner=0:0,assume_storage_prezeroed=1,nodiscard -d pattern ${FILE}.new &&
  rm -r pattern && sync ${FILE}.new && mv -T ${FILE}.new ${FILE} && sync .
`;

/** Makes the disk of a root, which has an inode for each 16 KiB. */
export function createDisk(layers: string, bytes: number): Step {
  const size = formatDisk(bytes);
  return {
    id: "create-disk",
    subject: size,
    title: `Creating the disk of ${size}`,
    argv: ["sh", "-c", CREATE, "sh", layers, String(bytes)],
  };
}

// Each of the three does nothing where it was done before. The file never becomes smaller.
const GROW = `
cd "$1" || exit 1
[ "$(stat -c %s ${FILE})" -ge "$2" ] || truncate -s "$2" ${FILE} || exit 1
device=$(losetup -nO NAME -j "$1/${FILE}") && [ -n "$device" ] || { echo "${FILE} is not mounted" >&2; exit 1; }
losetup -c "$device" && resize2fs "$device"
`;

/** Makes a mounted disk larger, also while it is used. */
export function growDisk(layers: string, bytes: number): Step {
  const size = formatDisk(bytes);
  return {
    id: "grow-disk",
    subject: size,
    title: `Growing the disk to ${size}`,
    argv: ["sh", "-c", GROW, "sh", layers, String(bytes)],
    timeout: 600,
  };
}

/** What of the host's file system is free, and what was promised of it. */
export interface Space {
  /** Of the file system in which the roots are, in bytes. */
  total: number;
  free: number;
  /** Name of a root → what it may still write into its disk. */
  promised: Map<string, number>;
}

const SPACE = `
stat -f -c '%b %f %S' ${STORE} 2>/dev/null || stat -f -c '%b %f %S' /var/lib
set -- ${STORE}/roots/*/layers/${FILE}
[ ! -f "$1" ] || stat -c '%n %s %b' "$@"`;

/** How full the host is. Containers write all the time: it is no sign that somebody else changes the host. */
export const spaceRead: Read = { key: "space", argv: ["sh", "-c", SPACE], volatile: true };

/** `recorded` are the sizes of disks that are to be, in bytes by the names of their roots: what has no file yet, or a smaller one, counts as well. */
export function parseSpace({ stdout }: Outcome, recorded: ReadonlyMap<string, number> = new Map()): Space {
  const [first = "", ...rest] = stdout.split("\n");
  const [blocks = 0, free = 0, size = 0] = first.split(" ").map(Number);
  const promised = new Map(recorded);
  for (const line of rest) {
    const [, name, bytes, used] = /\/roots\/([a-z0-9-]+)\/[^ ]* (\d+) (\d+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const whole = Math.max(Number(bytes), recorded.get(name) ?? 0);
    promised.set(name, Math.max(0, whole - Number(used) * 512));
  }
  return { total: blocks * size, free: free * size, promised };
}

/** The part of the host's file system that is promised to nobody. */
const RESERVE = 0.05;

/** What can still be promised; below 0 if more was promised than there is. */
function remaining({ total, free, promised }: Space): number {
  return free - sum(promised) - total * RESERVE;
}

function sum(promised: Map<string, number>): number {
  return [...promised.values()].reduce((a, b) => a + b, 0);
}

/** The numbers of a host, for people. */
function figures(space: Space): string {
  const { total, free, promised } = space;
  return (
    `the file system of ${STORE} has ${gib(free)} free; of these, ${gib(sum(promised))} are promised to the roots that there are, ` +
    `and ${gib(total * RESERVE)} (5 % of it) stay free`
  );
}

function gib(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}

/** What the disk of a root is, and is to be. */
export interface DiskWish {
  name: string;
  /** The root was made, which is written down when it has its disk. */
  recorded: boolean;
  disk: Disk;
  /** The size that it is to have, in bytes. */
  wanted: number;
  space: Space;
}

/** Why a root cannot have the disk that it is to have. */
export function diskProblem({ name, recorded, disk, wanted, space }: DiskWish): Problem | undefined {
  const { file, mounted } = disk;
  const missing = `${STORE}/roots/${name}/layers/${FILE} is not there`;
  if (file === undefined && mounted !== undefined) {
    return {
      code: "disk-lost",
      what: `the file of the disk of ${name} was removed, and the container still writes into it`,
      why: `${missing}; what it holds is lost when it is unmounted`,
      remedy:
        "copy what is needed out of the container, then change `rebuild`, which makes the root anew; or write the device that " +
        "`losetup` names for it back to the file, with dd, while the container is stopped",
    };
  }
  if (file === undefined && recorded) {
    return {
      code: "disk-missing",
      what: `the disk of the root ${name} is missing`,
      why: missing,
      remedy:
        "put the file back, of a backup, and run restorecon on it; or change `rebuild`, which makes the root anew: what was written into it is lost then",
    };
  }
  const had = Math.max(file ?? 0, mounted ?? 0);
  if (wanted < had) {
    return {
      code: "disk-shrink",
      what: `disk: the disk of ${name} is ${formatDisk(had)}, and cannot shrink to ${formatDisk(wanted)}`,
      remedy: SHRINK_REMEDY,
    };
  }
  const more = wanted - (file ?? 0);
  const left = remaining(space);
  if (more <= 0 || more <= left) return undefined;
  return {
    code: "disk-space",
    what: `disk: the host cannot keep a disk of ${formatDisk(wanted)} for ${name}: ${gib(Math.max(0, left))} can be promised`,
    why: figures(space),
    remedy: `set \`disk\` of ${name} to a smaller size, free space on the host, or enlarge its file system`,
  };
}

/** What people should know of the disks of a host. */
export function diskNotices(space: Space): string[] {
  return sum(space.promised) > space.free
    ? [`the host has too little space for the disks that it has: ${figures(space)}; free space, before they need it`]
    : [];
}
