/** What usual software asks for and is refused, quietly or not, and why that is left so. */
export interface Refused {
  /** Types and a class of the policy, and what is asked of them. */
  source: string;
  target: string;
  class: string;
  permissions: readonly string[];
  /** Who asks, in words. */
  who: string;
  because: string;
}

const CONTAINER = "svirt_lxc_sys_t";

export const REFUSED: readonly Refused[] = [
  {
    source: CONTAINER,
    target: CONTAINER,
    class: "bpf",
    permissions: ["prog_load"],
    who: "systemd, for filters of a unit's addresses and devices",
    because: "A program in the kernel is the kernel's. Docker and Podman refuse it as well",
  },
  {
    source: CONTAINER,
    target: CONTAINER,
    class: "anon_inode",
    permissions: ["create"],
    who: "Node, MariaDB and BIND, for io_uring",
    because:
      "What is done by it passes by filters of system calls. Docker and Podman refuse it as well, and these do without",
  },
  {
    source: CONTAINER,
    target: "hugetlbfs_t",
    class: "file",
    permissions: ["map"],
    who: "PostgreSQL and PHP, for huge pages",
    because: "Those that the host has reserved count in no limit of memory. These do without",
  },
  ...[
    { target: "sysctl_modprobe_t", class: "file" },
    { target: "sysctl_kernel_ns_last_pid_t", class: "file" },
    { target: "sysctl_dev_t", class: "dir" },
  ].map((what) => ({
    source: CONTAINER,
    ...what,
    permissions: ["getattr"],
    who: "`sysctl -a`",
    because: "The host's module loader, process ids and devices; it prints the rest",
  })),
];
