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
  {
    source: CONTAINER,
    target: "kernel_t",
    class: "system",
    permissions: ["module_request"],
    who: "systemd-networkd, for a kind of socket or interface that the host has not loaded",
    because: "The host loads no module for a container",
  },
  {
    source: "svirt_lxc_guard_t",
    target: "svirt_lxc_guard_t",
    class: "cap_userns",
    permissions: ["sys_ptrace"],
    who: "the guard of starts, for the label of the container's first process",
    because: "The kernel asks whether it could trace it, and tells the label all the same",
  },
  ...[
    { target: "fixed_disk_device_t", class: "blk_file", permissions: ["getattr"] },
    { target: "loop_control_device_t", class: "chr_file", permissions: ["getattr"] },
    { target: "sysfs_t", class: "lnk_file", permissions: ["read"] },
    { target: "mount_runtime_t", class: "dir", permissions: ["search"] },
  ].map((what) => ({
    source: "svirt_lxc_mount_t",
    ...what,
    who: "mount(8), for the container's root",
    because: "It wants to know whether a disk is on a loop device, and who else has mounted; it need not",
  })),
  {
    source: "virtd_lxc_t",
    target: "ifconfig_t",
    class: "process",
    permissions: ["noatsecure", "rlimitinh", "siginh"],
    who: "libvirt's controller, when it runs ip(8)",
    because: "The rules are Debian's; ip runs with a clean environment",
  },
  {
    source: "virtd_lxc_t",
    target: "virtd_lxc_t",
    class: "cap_userns",
    permissions: ["dac_override", "dac_read_search"],
    who: "libvirt's controller, as root of the container, below the old root",
    because: "It may not reach folders of the store that are closed to that user, and detaches the old root as a whole",
  },
];
