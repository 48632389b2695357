/**
 * What of its host a container can read in /proc, with the reason why it is left so. None of it is of another container or names a
 * process, a file or a user of the host; what may be hidden of it the runtimes of Docker and Podman leave readable, too.
 */
const VISIBLE: Readonly<Record<string, readonly string[]>> = {
  "what machine and kernel it is: programs choose code and limits by it": [
    "acpi/wakeup",
    "bus/input/devices",
    "bus/input/handlers",
    "bus/pci/devices",
    "cgroups",
    "cmdline",
    "consoles",
    "cpuinfo",
    "crypto",
    "devices",
    "dma",
    "driver/rtc",
    "dynamic_debug/control",
    "execdomains",
    "fb",
    "filesystems",
    "iomem",
    "ioports",
    "misc",
    "modules",
    "tty/drivers",
    "tty/ldiscs",
    "version",
    "version_signature",
  ],
  "how busy the machine is: top, uptime and monitoring read it": [
    "buddyinfo",
    "diskstats",
    "interrupts",
    "loadavg",
    "locks",
    "partitions",
    "schedstat",
    "softirqs",
    "stat",
    "swaps",
    "uptime",
    "vmstat",
    "zoneinfo",
    "pressure/cpu",
    "pressure/io",
    "pressure/irq",
    "pressure/memory",
  ],
  "its own: of its namespaces, or made for it by libvirt": [
    "key-users",
    "keys",
    "meminfo",
    "sysvipc/msg",
    "sysvipc/sem",
    "sysvipc/shm",
  ],
};

/** The reason for each file, by its path below /proc. */
export const REASONS = new Map(
  Object.entries(VISIBLE).flatMap(([reason, files]) => files.map((file) => [file, reason] as const)),
);

/** What a container runs to list the files below /proc, and not of processes or of sysctl, that it can read. */
export const LIST_VISIBLE = `cd /proc && find . -maxdepth 3 \\( -path './[0-9]*' -o -path ./sys -o -path ./self -o -path ./thread-self -o -path ./net \\) -prune -o -type f -print | sort |
while read -r f; do timeout 5 head -c 1 "$f" >/dev/null 2>&1 && echo "\${f#./}"; done; echo end`;
