import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { say, step } from "../scripts/setup/progress.ts";
import { chooseAccelerator } from "./accelerator.ts";
import { createDisk } from "./disk.ts";
import type { LabImage } from "./image.ts";
import { type Accelerator, machineFiles } from "./qemu.ts";
import type { SelinuxMode } from "./ready.ts";
import { ensureSavedState } from "./saved-state.ts";
import { startUntilReady } from "./start.ts";

/** How to start. */
interface BootOptions {
  owner?: number;
  selinux?: SelinuxMode;
}

/** Starts the machine of a folder and waits until it is ready: from a saved state if it has no disk yet, else by a boot. */
export async function bootLab(dir: string, image: LabImage, { owner, selinux }: BootOptions): Promise<void> {
  const accelerator = await chooseAccelerator(image);
  const disk = join(dir, machineFiles.disk);
  if (!existsSync(disk)) {
    if (await resume(dir, image, accelerator, owner)) return;
    await rm(disk, { force: true });
    await createDisk(dir, image.disk);
  }
  await step(`lab host: boot (${accelerator.name})`, () =>
    startUntilReady(dir, { image, accelerator, selinux, owner }),
  );
}

async function resume(dir: string, image: LabImage, accelerator: Accelerator, owner?: number): Promise<boolean> {
  try {
    const saved = await ensureSavedState(image, accelerator);
    if (!saved) return false;
    await createDisk(dir, saved.disk);
    await step("lab host: start from its saved state", () =>
      startUntilReady(dir, { image, accelerator, memory: saved.memory, owner }),
    );
    return true;
  } catch (error) {
    say(`· ${(error as Error).message}\n· no saved state to start from: booting instead`);
    return false;
  }
}
