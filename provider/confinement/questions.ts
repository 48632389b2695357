/** What a container of ours is not to be able to do, whatever else the host's policy has, as the loaded policy is asked for it. */
export interface Question {
  /**
   * On what: "SELF", its own context; or a context, of which "OWN" stands for its own level. Of several types, families name the same
   * thing differently: those that the loaded policy has are asked for.
   */
  target: string;
  class: string;
  /** All of the class, or those named. */
  permissions: "all" | readonly string[];
  /** What somebody in the container would gain by it; it ends the sentence "the policy lets it ...". */
  gain: string;
}

/** The pair of no slot (host/slot.ts), which stands for that of another container. */
const OTHER = "s0:c1022,c1023";

const object = (types: string, level = "s0") =>
  types
    .split("|")
    .map((type) => `system_u:object_r:${type}:${level}`)
    .join("|");
const process = (type: string, level = "s0") => `system_u:system_r:${type}:${level}`;
const ask = (target: string, name: string, permissions: "all" | string, gain: string): Question => ({
  target,
  class: name,
  permissions: permissions === "all" ? permissions : permissions.split(" "),
  gain,
});

const ANOTHERS_FILES =
  "read write append open create execute execute_no_trans ioctl link unlink rename setattr lock relabelfrom relabelto";
const ANOTHERS_PROCESSES = "signal sigkill sigstop ptrace setsched setrlimit getsched transition dyntransition";
const WRITE = "write append create unlink";

/** Names of classes and permissions are those of both families; what is asked, and why, was tried by hand on both. */
export const QUESTIONS: readonly Question[] = [
  ask("SELF", "capability", "all", "use a capability of the host's root"),
  ask("SELF", "capability2", "all", "use a capability of the host's root"),
  ask("SELF", "cap2_userns", "all", "use bpf, syslog or policy capabilities"),
  ask(
    "SELF",
    "cap_userns",
    "sys_module sys_rawio sys_time linux_immutable ipc_lock",
    "use a capability that it needs for nothing",
  ),
  ask(
    "SELF",
    "process",
    "setexec setcurrent setfscreate setsockcreate setkeycreate dyntransition execheap",
    "choose another label",
  ),
  ask("SELF", "bpf", "all", "load programs into the kernel"),
  ask("SELF", "io_uring", "all", "use io_uring"),
  ask("SELF", "anon_inode", "all", "use userfaultfd or io_uring"),
  ask("SELF", "perf_event", "all", "observe the host's kernel and processes"),
  ask("SELF", "vsock_socket", "all", "talk to a hypervisor"),
  ask(object("svirt_lxc_root_t", OTHER), "file", ANOTHERS_FILES, "use files of another container"),
  ask(
    object("svirt_lxc_root_t", OTHER),
    "dir",
    "read open add_name remove_name search write",
    "use folders of another container",
  ),
  ask(object("svirt_lxc_root_t", "OWN"), "file", "relabelfrom relabelto", "give its files another label"),
  ask(object("svirt_lxc_root_t", "OWN"), "blk_file", "open read write", "open a disk of the host by a node of its own"),
  ask(
    object("svirt_lxc_root_t", "OWN"),
    "chr_file",
    "open read write",
    "open a device of the host by a node of its own",
  ),
  ask(process("svirt_lxc_sys_t", OTHER), "process", ANOTHERS_PROCESSES, "act on processes of another container"),
  ask(process("svirt_lxc_sys_t", OTHER), "key", "all", "use keys of another container"),
  ask(object("svirt_lxc_store_t"), "dir", "all", "reach the store of images, layers and records"),
  ask(object("svirt_lxc_store_t"), "file", "all", "reach the store of images, layers and records"),
  ask(object("svirt_lxc_disk_t"), "file", "all", "reach the disks of containers from below"),
  ask(object("svirt_lxc_evidence_t"), "dir", "all", "reach the evidence of confinement and the key that signs it"),
  ask(object("svirt_lxc_evidence_t"), "file", "all", "reach the evidence of confinement and the key that signs it"),
  ask(object("svirt_lxc_proof_t"), "file", "all", "change what was found of it before it is signed"),
  ask(process("svirt_lxc_sign_t"), "process", "all", "act on who signs what was found of it"),
  ask(process("svirt_lxc_mount_t"), "process", "all", "act on who mounts the roots"),
  ask(object("container_file_t", "OWN"), "file", "all", "use files of other tools' containers"),
  ask(object("container_file_t", "OWN"), "sock_file", "all", "use sockets of other tools' containers"),
  ask(object("container_file_t", "OWN"), "blk_file", "all", "use disks of other tools' containers"),
  ask(object("shadow_t"), "file", "all", "read or change the host's passwords"),
  ask(object("etc_t"), "file", WRITE, "change the host's configuration"),
  ask(object("bin_t"), "file", WRITE, "change the host's programs"),
  ask(object("lib_t"), "file", WRITE, "change the host's libraries"),
  ask(object("var_log_t"), "file", "all", "read or change the host's logs"),
  ask(object("user_home_t"), "file", "all", "use files of the host's users"),
  ask(object("fixed_disk_device_t"), "blk_file", "open read write ioctl", "read or write a disk of the host"),
  ask(object("memory_device_t"), "chr_file", "open read write", "read or write the host's memory"),
  ask(object("fuse_device_t"), "chr_file", "open read write", "serve file systems to the kernel"),
  ask(object("loop_control_device_t"), "chr_file", "open read write", "make block devices"),
  ask(object("tun_tap_device_t"), "chr_file", "open read write", "make interfaces"),
  ask(object("kvm_device_t"), "chr_file", "open read write", "run virtual machines"),
  ask(object("proc_kcore_t"), "file", "open read write", "read the host's memory"),
  ask(object("proc_kmsg_t"), "file", "open read write", "read the kernel's messages"),
  ask(object("sysctl_t"), "file", "write append", "change settings of the kernel"),
  ask(object("sysctl_kernel_t"), "file", "write append", "change settings of the kernel, core_pattern among them"),
  ask(object("sysctl_vm_t"), "file", "write append", "change the kernel's handling of memory"),
  ask(object("sysctl_fs_t"), "file", "write append", "change the kernel's limits of files"),
  ask(object("usermodehelper_t"), "file", "write append", "have the kernel run a program on the host"),
  ask(object("proc_t"), "file", "write append", "change settings of the kernel"),
  ask(object("sysfs_t"), "file", "write append", "change devices of the host"),
  ask(object("debugfs_t"), "file", "all", "look into the kernel"),
  ask(object("tracefs_t"), "file", "all", "trace the kernel"),
  ask(object("security_t"), "file", "all", "reach the kernel's interface to the policy"),
  ask(object("security_t"), "security", "all", "change the policy, or how it is enforced"),
  ask(object("selinux_config_t"), "file", "all", "reach the configuration of SELinux"),
  ask(object("fs_t"), "filesystem", "mount remount unmount", "mount disks of the host"),
  ask(object("unlabeled_t"), "file", "all", "use what has no label"),
  ask(process("kernel_t"), "system", "all", "load modules, or read the kernel's messages"),
  ask(process("init_t"), "system", "all", "start, stop or reload services of the host"),
  ask(process("init_t"), "process", "all", "act on the host's init"),
  ask(process("init_t"), "unix_stream_socket", "connectto", "talk to the host's init"),
  ask(process("virtd_t"), "unix_stream_socket", "connectto", "talk to libvirt"),
  ask(process("virtd_lxc_t"), "process", "all", "act on libvirt's controllers"),
  ask(process("virtd_lxc_t"), "unix_stream_socket", "connectto", "talk to libvirt's controllers"),
  ask(object("virt_runtime_t|virt_var_run_t"), "sock_file", "all", "reach libvirt's sockets"),
  ask(object("system_dbusd_runtime_t|system_dbusd_var_run_t"), "sock_file", "all", "reach the host's message bus"),
  ask(
    "unconfined_u:unconfined_r:unconfined_t:s0",
    "process",
    "transition dyntransition ptrace sigkill",
    "become unconfined, or act on who is",
  ),
  ask(process("spc_t"), "process", "transition dyntransition ptrace", "become a privileged container"),
];

/** What it certainly may. Where the answer is no, the asking went wrong. */
export const CONTROLS: readonly Question[] = [
  ask("SELF", "process", "signal", "signal itself"),
  ask(object("svirt_lxc_root_t", "OWN"), "file", "read write", "use its own files"),
];
