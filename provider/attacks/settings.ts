import type { Attack } from "./attack.ts";

/** A file whose own value is written to it again. */
const setting = (path: string, gain: string): Attack => ({
  id: `set-${path.split("/").at(-1)}`,
  what: `writes to ${path}`,
  gain,
  program: `tried(write_back('${path}'))`,
});

/** A file that does something whatever is written: it is opened for writing only. */
const trigger = (id: string, path: string, gain: string): Attack => ({
  id,
  what: `opens ${path} for writing`,
  gain,
  program: `my ($path) = glob('${path}'); tried(defined $path && open_for_writing($path))`,
});

/** Settings of the one kernel that host and containers share. */
export const SETTINGS: readonly Attack[] = [
  setting("/proc/sys/kernel/core_pattern", "its program runs on the host, as root, when a process crashes"),
  setting("/proc/sys/kernel/modprobe", "its program runs on the host when the kernel looks for a module"),
  setting("/proc/sys/kernel/hotplug", "its program runs on the host when a device appears"),
  setting("/sys/kernel/uevent_helper", "its program runs on the host when a device appears"),
  setting("/proc/sys/kernel/poweroff_cmd", "its program runs on the host when that is powered off"),
  setting("/proc/sys/kernel/usermodehelper/bset", "more capabilities for what the kernel runs"),
  setting("/proc/sys/kernel/sysrq", "the host's emergency keys"),
  setting("/proc/sys/kernel/randomize_va_space", "addresses that can be guessed, in every new process"),
  setting("/proc/sys/kernel/kptr_restrict", "addresses of the kernel"),
  setting("/proc/sys/fs/suid_dumpable", "memory of privileged programs that crash"),
  setting("/proc/sys/fs/protected_symlinks", "attacks by links in shared folders"),
  setting("/proc/sys/vm/overcommit_memory", "a host that runs out of memory"),
  trigger("trigger-sysrq", "/proc/sysrq-trigger", "the host restarts, or kills everything"),
  trigger("trigger-drop-caches", "/proc/sys/vm/drop_caches", "a host that reads everything anew"),
  trigger("trigger-power", "/sys/power/state", "the host sleeps"),
  trigger("trigger-remove", "/sys/bus/pci/devices/*/remove", "a host that loses its disk or its network"),
  trigger("trigger-thp", "/sys/kernel/mm/transparent_hugepage/enabled", "the host's handling of memory"),
  trigger("trigger-module", "/sys/module/printk/parameters/ignore_loglevel", "parameters of modules of the host"),
  {
    id: "release-agent",
    what: "mounts control groups of version 1, and opens release_agent for writing",
    gain: "its program runs on the host, as root, when a control group is empty",
    program: "mount('cgroup', 'none', 'none,name=attack') or tried(0); tried(opened('/mnt/release_agent', O_WRONLY))",
  },
];
