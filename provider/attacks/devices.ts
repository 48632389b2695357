import type { Attack } from "./attack.ts";

const node = (id: string, what: string, gain: string, kind: "b" | "c", device: string, flags = "O_RDWR"): Attack => ({
  ...{ id, what, gain },
  program: `tried(node('${kind}', ${device}, ${flags}))`,
});

/** Devices of the host, which are opened and neither read nor written. */
export const DEVICES: readonly Attack[] = [
  node(
    "node-disk",
    "makes a device node of the host's disk, and opens it",
    "every file of the host and of all containers",
    "b",
    "split(/:/, $known{disk_number})",
    "O_RDONLY",
  ),
  node("node-mem", "makes a node of /dev/mem", "the host's memory", "c", "1, 1", "O_RDONLY"),
  node("node-kmsg", "makes a node of /dev/kmsg", "the kernel's messages, and false ones", "c", "1, 11"),
  node("node-fuse", "makes a node of /dev/fuse", "a file system whose answers the kernel waits for", "c", "10, 229"),
  node("node-loop", "makes a node of /dev/loop-control", "block devices of its own making", "c", "10, 237"),
  node("node-tun", "makes a node of /dev/net/tun", "interfaces of its own making", "c", "10, 200"),
  {
    id: "devtmpfs-disk",
    what: "mounts devtmpfs, and opens the host's disk there",
    gain: "every file of the host and of all containers",
    program: "mount('devtmpfs') or tried(0); tried(opened(\"/mnt/$known{disk}\", O_RDONLY))",
  },
  {
    id: "left-disk",
    what: "mounts devtmpfs from a control group of the host, where no device is forbidden, and opens the disk",
    gain: "every file of the host and of all containers",
    program: "leave_group() && mount('devtmpfs') or tried(0); tried(opened(\"/mnt/$known{disk}\", O_RDONLY))",
  },
];
