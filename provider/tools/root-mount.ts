import type { Outcome, Read, Step } from "../host/batch.ts";
import { parseOnce } from "../host/parse-once.ts";
import { STORE } from "../host/records.ts";
import { type IdMap, slotOfIds } from "../host/slot.ts";
import { PIPED } from "./piped.ts";
import { RELOAD_UNITS } from "./reload-units.ts";
import {
  byFirstWord,
  DISK_LOOK,
  DISK_MOUNTS_ONLY,
  type Disk,
  diskMounts,
  diskUnitLines,
  parseDisk,
  upperFolder,
} from "./root-disk.ts";
import { exclusiveInspection } from "./userns.ts";

/** What a container's root is mounted from. */
export interface RootMount {
  name: string;
  /** sha256 of the image. */
  image: string;
  idmap: IdMap;
  /** The context of every file in it. */
  label: string;
}

/**
 * The folder of a root. Below it `layers` is for root only, and `guest`, with the mount point in it, for the container's root
 * only: libvirt enters the root by its path when it already is the container's user.
 */
export function rootFolder(name: string): string {
  return `${STORE}/roots/${name}`;
}

/** Where the root is mounted. */
export function mountedRoot(name: string): string {
  return `${rootFolder(name)}/guest/root`;
}

/** What the root is put together of. */
export function layersFolder(name: string): string {
  return `${rootFolder(name)}/layers`;
}

export function unitName(name: string): string {
  return `svirt-lxc-root-${name}.service`;
}

export function unitPath(name: string): string {
  return `/etc/systemd/system/${unitName(name)}`;
}

/**
 * The unit that mounts a root, now and after every boot before libvirt starts containers. It mounts in a domain of its own,
 * whose rights overlayfs then uses for what lies underneath (overlayfs.rst, "Permission model"), and only while SELinux
 * is enforcing: a host that boots permissive starts no container.
 *
 * - ExecCondition would leave the unit inactive and the start successful; the `+` runs the check outside of the domain.
 * - The whole -o word is in single quotes because systemd strips inner double quotes, which the comma in the context needs.
 * - fs_t may not be mounted by the domain: if libmount dropped the context, the mount is refused.
 * - All options that change what the layers mean are said: a host's defaults for them may differ, and change.
 * - With the index, hard links of the image stay one file. The kernel refuses it to layers that were copied or restored, or lie
 *   on an image that was unpacked again: those are mounted without, and nothing of them is lost (docs/decisions/0007-images.md).
 */
export function rootUnit({ name, image, idmap, label }: RootMount): string {
  const layers = layersFolder(name);
  const root = mountedRoot(name);
  const upper = upperFolder(layers);
  const disk = diskUnitLines(layers, idmap);
  const modules = [...disk.modules, "modprobe@overlay.service"].join(" ");
  const options = `lowerdir=${layers}/lower,upperdir=${upper}/upper,workdir=${upper}/work,context="${label}"`;
  const mount = (how: string, index: "on" | "off") =>
    `/usr/bin/mount -i -n -t overlay${how} -o 'nodev,redirect_dir=on,metacopy=off,index=${index},${options}' svirt-lxc-${name} ${root}`;
  const lines = (list: string[]) => list.map((line) => `${line}\n`).join("");
  return `[Unit]
Description=Root file system of the container ${name}
AssertSecurity=selinux
Wants=${modules}
After=${modules}
RequiresMountsFor=${STORE}
Before=libvirtd.service virtlxcd.service

[Service]
Type=oneshot
RemainAfterExit=yes
SELinuxContext=system_u:system_r:svirt_lxc_mount_t:s0
Environment=LC_ALL=C
ExecStartPre=+/bin/sh -c 'test "$(cat /sys/fs/selinux/enforce)" = 1'
${lines(disk.start)}ExecStart=/usr/bin/mount -i -n -t none -o bind,ro,X-mount.idmap=b:0:${idmap.start}:${idmap.count} ${STORE}/images/${image}/root ${layers}/lower
ExecStart=-${mount("", "on")}
ExecStart=-${mount(" --onlyonce", "off")}
ExecStart=+/usr/bin/mountpoint -q ${root}
ExecStop=/usr/bin/umount -i -n ${root}
ExecStop=/usr/bin/umount -i -n ${layers}/lower
${lines(disk.stop)}
[Install]
WantedBy=multi-user.target
`;
}

/** A root as systemd and the kernel see it. */
export interface MountState {
  /** What it keeps its changes in. */
  disk: Disk;
  unit?: string;
  active: boolean;
  enabled: boolean;
  /** systemd has read the unit as it is on disk. */
  fresh: boolean;
  /** The label of the mounted root; undefined if it is not mounted. */
  label?: string;
}

// systemctl reads patterns of loaded units only, so every unit is named.
const MOUNTS = `
files= units=
for name; do
  for f in ${unitPath("$name")}; do [ ! -f "$f" ] || { files="$files $f"; units="$units \${f##*/}"; }; done
done
[ -z "$units" ] || systemctl show -p Id,ActiveState,UnitFileState,NeedDaemonReload $units
echo "@files"
[ -z "$files" ] || grep -aH '' $files
echo "@disks"
${DISK_LOOK}
echo "@mounts"
findmnt -brn -t overlay,ext4 -o TARGET,VFS-OPTIONS,FS-OPTIONS,SIZE | ${DISK_MOUNTS_ONLY}
`;

/** The root mounts of one container, or of all with "*". */
export function mountsRead(name: string): Read {
  return { key: "mounts", argv: ["sh", "-c", MOUNTS, "sh"], of: [name] };
}

/** The image that a unit mounts. */
export function imageOf(unit: string): string | undefined {
  return new RegExp(` ${STORE}/images/([0-9a-f]{64})/root `).exec(unit)?.[1];
}

/** The slot that a unit mounts for. */
export function slotOf(unit: string): number | undefined {
  const start = /X-mount\.idmap=b:0:(\d+):/.exec(unit)?.[1];
  return start === undefined ? undefined : slotOfIds(Number(start));
}

/** The parts of a look, each by what its lines or units start with. */
const readMounts = parseOnce((listed) => {
  const [units = "", files = "", disks = "", mounts = ""] = listed.split(/^@(?:files|disks|mounts)$/m);
  const lines = files.split("\n").map((line) => /^([^:]+):(.*)$/.exec(line)?.slice(1) ?? []);
  return {
    units: new Map(units.split("\n\n").map((unit) => [/^Id=(.*)$/m.exec(unit)?.[1], unit.split("\n")])),
    files: Map.groupBy(lines, ([path]) => path),
    disks: byFirstWord(disks),
    mounts: byFirstWord(mounts),
  };
});

export function parseMounts(outcome: Outcome, name: string): MountState {
  const { units, files, disks, mounts } = readMounts(outcome);
  const show = units.get(unitName(name));
  const lines = files.get(unitPath(name))?.map(([, line]) => `${line}\n`);
  const mount = mounts.get(mountedRoot(name));
  return {
    disk: parseDisk(disks, mounts, layersFolder(name)),
    unit: (lines ?? (show && []))?.join(""), // a file that is empty has no lines
    active: show?.includes("ActiveState=active") ?? false,
    enabled: show?.includes("UnitFileState=enabled") ?? false,
    fresh: !show?.includes("NeedDaemonReload=yes"),
    label: mount && /context=(?:\\x22|")?([\w:]+(?:,c\d+)?)/.exec(mount)?.[1],
  };
}

const MAKE_FOLDERS = `
mkdir -p "$1" && chmod 0711 ${STORE} ${STORE}/roots "$1" && cd "$1" && mkdir -p layers/lower guest/root && chown "$2:$2" guest || exit 1
sync . guest layers
`;

/** Makes the folders of a root, but not its disk. */
export function createFolders(name: string, idmap: IdMap): Step {
  return {
    id: "create-folders",
    title: "Creating the folders of the root",
    argv: ["sh", "-c", MAKE_FOLDERS, "sh", rootFolder(name), String(idmap.start)],
  };
}

/** Where something of a root may be mounted, the last one first. */
function mountPoints(name: string): string[] {
  const layers = layersFolder(name);
  return [mountedRoot(name), `${layers}/lower`, ...diskMounts(layers)];
}

const UNMOUNT = 'for d do ! mountpoint -q "$d" || umount "$d" || exit 1; done';
const STOP = `${exclusiveInspection}
systemctl stop "$1"; shift; ${UNMOUNT}`;
// A mount that broke off has left its lower half. What systemd says is only that it failed; the journal of the unit says why.
const START = `${exclusiveInspection}
u=$1; shift; ${UNMOUNT}
systemctl start "$u" || { journalctl -u "$u" -n 20 --no-pager -o cat >&2; exit 1; }`;
const WRITE_UNIT = `${PIPED}\ncat >"$1" && chmod 0644 "$1" && piped restorecon "$1"`;

/** Unmounts a root, also one whose unit does not know that it is mounted: another mount over it would find its layers in use. */
export function unmountRoot(name: string): Step {
  return {
    id: "unmount-root",
    title: "Unmounting the root",
    argv: ["sh", "-c", STOP, "sh", unitName(name), ...mountPoints(name)],
  };
}

/** Mounts a root. */
export function mountRoot(name: string): Step {
  return {
    id: "mount-root",
    title: "Mounting the root",
    argv: ["sh", "-c", START, "sh", unitName(name), ...mountPoints(name)],
  };
}

// With `--root`, the links alone are changed, as on a host that does not run: otherwise systemd reads all units anew.
const change = (command: "enable" | "disable", name: string, ...options: string[]): Step => ({
  id: `${command}-unit`,
  title: `${command === "enable" ? "Enabling" : "Disabling"} the mount of the root at boot`,
  argv: ["systemctl", ...options, command, unitName(name)],
});

/** Has a root mounted at each boot, by the unit that is there. */
export const enableRootUnit = (name: string): Step => change("enable", name);

/** No longer; removeRootUnit is to follow, if there is a unit. */
export const disableRootUnit = (name: string, hasUnit: boolean): Step =>
  change("disable", name, ...(hasUnit ? ["--root=/"] : []));

/** Writes the unit that mounts a root, and has it run at each boot. */
export function writeRootUnit(mount: RootMount, isEnabled: boolean): Step[] {
  return [
    {
      id: "write-unit",
      title: "Writing the unit that mounts the root",
      argv: ["sh", "-c", WRITE_UNIT, "sh", unitPath(mount.name)],
      stdin: rootUnit(mount),
    },
    ...(isEnabled ? [] : [change("enable", mount.name, "--root=/")]),
    reloadUnit(mount.name),
  ];
}

/** Removes it. */
export function removeRootUnit(name: string): Step[] {
  return [
    { id: "remove-unit", title: "Removing the unit that mounts the root", argv: ["rm", unitPath(name)] },
    reloadUnit(name),
  ];
}

const reloadUnit = (name: string): Step => ({
  id: "reload-systemd",
  title: "Having systemd read its units anew, if it holds others",
  argv: ["sh", "-c", `${RELOAD_UNITS}\nreload_units "$1"`, "sh", unitName(name)],
});
