import { existsSync } from "node:fs";
import { execa } from "execa";
import type { LabImage } from "./image.ts";
import { type Accelerator, qemu } from "./qemu.ts";

const kvm: Accelerator = { name: "kvm", arguments: ["-accel", "kvm", "-cpu", "host", "-smp", "2"] };
// One processor: guests with two were seen to panic. A plain one, too: it boots a third faster than `max`, whose wider
// registers and deeper page tables are more to emulate.
const emulation: Accelerator = { name: "emulation", arguments: ["-accel", "tcg", "-cpu", "Nehalem", "-smp", "1"] };

/** KVM where it really works, emulation otherwise. */
export async function chooseAccelerator(image: LabImage): Promise<Accelerator> {
  return existsSync("/dev/kvm") && (await kernelStarts(image)) ? kvm : emulation;
}

// A /dev/kvm that opens proves little: nested ones fail at the first vCPU or in the middle of the kernel's start.
// So the lab's own kernel has to get as far as its initrd, where it panics for want of a root.
async function kernelStarts({ kernel, initrd }: LabImage): Promise<boolean> {
  const machine = ["-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35", "-m", "512", "-no-reboot"];
  const boot = ["-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 panic=-1 rdinit=/none root=none"];
  const { stdout } = await execa(qemu, [...machine, ...kvm.arguments, ...boot, "-serial", "stdio"], {
    stdin: "ignore",
    reject: false,
    timeout: 15_000,
  });
  return stdout.includes("Kernel panic - not syncing");
}
