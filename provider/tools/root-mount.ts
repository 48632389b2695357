import type { Outcome, Read } from "../host/batch.ts";
import { STORE } from "../host/records.ts";
import { type IdMap, slotOfIds } from "../host/slot.ts";

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
  const layers = `${rootFolder(name)}/layers`;
  const root = mountedRoot(name);
  const options = `lowerdir=${layers}/lower,upperdir=${layers}/upper,workdir=${layers}/work,context="${label}"`;
  const mount = (how: string, index: "on" | "off") =>
    `/usr/bin/mount -i -n -t overlay${how} -o 'nodev,redirect_dir=on,metacopy=off,index=${index},${options}' svirt-lxc-${name} ${root}`;
  return `[Unit]
Description=Root file system of the container ${name}
AssertSecurity=selinux
Wants=modprobe@overlay.service
After=modprobe@overlay.service
RequiresMountsFor=${STORE}
Before=libvirtd.service virtlxcd.service

[Service]
Type=oneshot
RemainAfterExit=yes
SELinuxContext=system_u:system_r:svirt_lxc_mount_t:s0
Environment=LC_ALL=C
ExecStartPre=+/bin/sh -c 'test "$(cat /sys/fs/selinux/enforce)" = 1'
ExecStart=/usr/bin/mount -i -n -t none -o bind,ro,X-mount.idmap=b:0:${idmap.start}:${idmap.count} ${STORE}/images/${image}/root ${layers}/lower
ExecStart=-${mount("", "on")}
ExecStart=-${mount(" --onlyonce", "off")}
ExecStart=+/usr/bin/mountpoint -q ${root}
ExecStop=/usr/bin/umount -i -n ${root}
ExecStop=/usr/bin/umount -i -n ${layers}/lower

[Install]
WantedBy=multi-user.target
`;
}

/** A root as systemd and the kernel see it. */
export interface MountState {
  /** The folders of its layers are there. */
  folders: boolean;
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
for f in /etc/systemd/system/svirt-lxc-root-$1.service; do
  [ -f "$f" ] || continue
  u=\${f##*/}
  echo "@unit $u"
  systemctl show -p ActiveState,UnitFileState,NeedDaemonReload "$u"
  echo "@text"
  cat "$f"
done
echo "@folders"
for d in ${STORE}/roots/$1/layers/upper; do [ ! -d "$d" ] || echo "$d"; done
echo "@mounts"
findmnt -rn -t overlay -o TARGET,VFS-OPTIONS,FS-OPTIONS | grep '^${STORE}/' || true
`;

/** The root mounts of one container, or of all with "*". */
export function mountsRead(name: string): Read {
  return { key: "mounts", argv: ["sh", "-c", MOUNTS, "sh", name] };
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

export function parseMounts(outcome: Outcome, name: string): MountState {
  const [units = "", folders = "", mounts = ""] = outcome.stdout.split(/^@(?:folders|mounts)$/m);
  const fieldAfter = (text: string, first: string) =>
    text
      .split("\n")
      .find((l) => l.startsWith(`${first} `))
      ?.slice(first.length + 1);
  const part = units.split(/^@unit /m).find((p) => p.startsWith(`${unitName(name)}\n`));
  const [show = "", text] = part?.split(/^@text\n/m) ?? [];
  const mount = fieldAfter(mounts, mountedRoot(name));
  return {
    folders: folders.split("\n").includes(`${rootFolder(name)}/layers/upper`),
    unit: text,
    active: show.includes("ActiveState=active"),
    enabled: show.split("\n").includes("UnitFileState=enabled"),
    fresh: !show.includes("NeedDaemonReload=yes"),
    label: mount && /context=(?:\\x22|")?([\w:]+(?:,c\d+)?)/.exec(mount)?.[1],
  };
}
