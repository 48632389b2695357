import type { Attack } from "./attack.ts";

const mounts = (type: string, gain: string): Attack => ({
  id: `mount-${type}`,
  what: `mounts ${type}`,
  gain,
  program: `tried(mount('${type}'))`,
});

/** File systems through which one gets at the host or its kernel. */
export const MOUNTS: readonly Attack[] = [
  mounts("devtmpfs", "nodes of all devices of the host"),
  {
    id: "mount-ext4",
    what: "mounts the host's disk, from a control group of the host",
    gain: "every file of the host and of all containers",
    program: "leave_group() && mount('devtmpfs') or tried(0); tried(mount($known{disk_type}, \"/mnt/$known{disk}\"))",
  },
  mounts("securityfs", "the switches of the security modules"),
  mounts("selinuxfs", "the interface to the policy"),
  mounts("debugfs", "the inside of drivers"),
  mounts("tracefs", "what the kernel and all programs do"),
  mounts("bpf", "programs of the kernel that others have pinned"),
  mounts("configfs", "devices and targets of storage, of its own making"),
  mounts("pstore", "the kernel's last messages before a crash"),
  mounts("fusectl", "the connections of all FUSE file systems"),
  {
    id: "mount-binfmt",
    what: "mounts the host's binfmt_misc",
    gain: "a program of its choice runs when the host executes a file",
    program: "mount('binfmt_misc') or tried(0); $! = 2; tried((stat '/mnt')[0] == $known{binfmt_device})",
  },
  {
    id: "mount-cgroup2",
    what: "mounts the host's control groups",
    gain: "what runs on the host, and the switches of all of it",
    program: 'mount_groups() or tried(0); tried(-e "/mnt/$known{group}")',
  },
  {
    id: "load-file-system",
    what: "has the host load the module of a file system",
    gain: "the errors of every module that the host has",
    program: [
      "my $type = $known{file_system};",
      "mount($type);",
      "my $error = $! + 0;",
      "end('succeeded') if content('/proc/filesystems') =~ /\\t$type$/m;",
      "$! = $error || 1;",
      'end("refused " . error_name());',
    ].join("\n"),
  },
];
