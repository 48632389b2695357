/** The capabilities of Linux by their numbers (include/uapi/linux/capability.h), named as libvirt names them. */
const ALL =
  "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore".split(
    " ",
  );

/** A set of capabilities as the kernel prints it (CapBnd in proc_pid_status(5)), without leading zeros: a bit each. */
export type CapabilitySet = string;

export function capabilitySet(names: readonly string[]): CapabilitySet {
  const known = names.filter((name) => ALL.includes(name));
  return known.reduce((set, name) => set | (1n << BigInt(ALL.indexOf(name))), 0n).toString(16);
}

export function capabilityNames(set: CapabilitySet): string[] {
  return ALL.filter((_, i) => (BigInt(`0x${set}`) >> BigInt(i)) & 1n);
}

/**
 * What the root of a container keeps, over its own user namespace: what a userland with systemd uses, which is what the policy
 * lets it use (cap_userns in policy/svirt_lxc.cil), but for mknod, which makes nothing that could be opened. libvirt would leave 36.
 */
export const USERLAND: CapabilitySet = capabilitySet([
  ...["chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap"],
  ...["net_bind_service", "net_admin", "net_raw", "sys_chroot", "sys_ptrace", "sys_admin", "sys_boot", "sys_nice"],
  ...["sys_resource", "audit_write", "setfcap"],
]);
