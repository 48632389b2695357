import type { LabImage } from "./image.ts";

/** How the lab's processor is run. */
export interface Accelerator {
  name: "kvm" | "emulation";
  arguments: string[];
}

/** The program that runs the lab host. */
export const qemu = "qemu-system-x86_64";

/** The files that a machine keeps in its folder, which is its working directory. */
export const machineFiles = { disk: "disk.qcow2", console: "console.log", qmp: "qmp.sock", log: "qemu.log" };

// The lab is thrown away: mitigations protect nobody there, and cost most under emulation. So it is with
// addresses that differ from process to process: short ones take half the time without (docs/decisions/0002-lab-vm.md).
// As on a user's host, /etc/selinux/config says what SELinux does: `enforcing=1` would keep it from any other mode.
const kernelArguments = [
  ..."root=/dev/vda rw console=ttyS0 net.ifnames=0 mitigations=off norandmaps".split(" "),
  ..."security=selinux selinux=1 audit_backlog_limit=8192".split(" "),
];

/** QEMU's arguments for a lab host: no network but one forwarded port, chosen by the kernel, on loopback. */
export function machineArguments(image: LabImage, accelerator: Accelerator): string[] {
  return [
    ...["-name", "svirt-lxc-lab", "-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35"],
    ...["-m", "4096", ...accelerator.arguments],
    ...["-kernel", image.kernel, "-initrd", image.initrd, "-append", kernelArguments.join(" ")],
    ...["-drive", `file=${machineFiles.disk},format=qcow2,if=virtio,cache=unsafe,discard=unmap`],
    ...["-netdev", "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:22"],
    ...["-device", "virtio-net-pci,netdev=net", "-device", "virtio-rng-pci"],
    ...["-serial", `file:${machineFiles.console}`, "-qmp", `unix:${machineFiles.qmp},server=on,wait=off`],
  ];
}
