import { extname, join } from "node:path";
import { run } from "../scripts/setup/run.ts";
import { machineFiles } from "./qemu.ts";

/** Lays a folder's own disk over one that is never written. */
export async function createDisk(dir: string, backing: string): Promise<void> {
  const format = extname(backing).slice(1);
  const disk = join(dir, machineFiles.disk);
  await run("qemu-img", ["create", "-q", "-f", "qcow2", "-F", format, "-b", backing, disk]);
}

/** Whether what a disk is laid over is still there. */
export async function isWhole(disk: string): Promise<boolean> {
  const info = run("qemu-img", ["info", "--force-share", "--backing-chain", disk]);
  return info.then(
    () => true,
    () => false,
  );
}
