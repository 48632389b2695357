import { chmod, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { cached } from "../scripts/setup/cache.ts";
import { step } from "../scripts/setup/progress.ts";
import { run } from "../scripts/setup/run.ts";
import { createDisk } from "./disk.ts";
import type { LabImage } from "./image.ts";
import { gone } from "./machine.ts";
import { type Accelerator, machineArguments, machineFiles, qemu } from "./qemu.ts";
import { qmp } from "./qmp.ts";
import { startUntilReady } from "./start.ts";
import { until } from "./wait.ts";

/** A booted lab host, to start from as often as one likes. */
export interface SavedState {
  /** What the machine has in memory. */
  memory: string;
  /** Its disk at that moment. */
  disk: string;
}

/** The state of a lab host that has just booted, made if there is none; with KVM booting is quick enough, and sure. */
export async function ensureSavedState(image: LabImage, accelerator: Accelerator): Promise<SavedState | undefined> {
  if (accelerator.name === "kvm") return undefined;
  // it fits the very same machine only
  const recipe = [await run(qemu, ["--version"]), ...machineArguments(image, accelerator)];
  const dir = await cached({ name: "lab-state", recipe, build: (dir) => bootAndSave(dir, image, accelerator) });
  return { memory: join(dir, "memory"), disk: join(dir, "base.qcow2") };
}

async function bootAndSave(dir: string, image: LabImage, accelerator: Accelerator): Promise<void> {
  await step("lab host: first boot", async () => {
    await createDisk(dir, image.disk);
    const pid = await startUntilReady(dir, { image, accelerator, owner: process.pid });
    await save(dir, pid);
  });
  await rename(join(dir, machineFiles.disk), join(dir, "base.qcow2"));
  await chmod(join(dir, "base.qcow2"), 0o400);
  for (const name of [
    "machine.json",
    "ssh_config",
    "known_hosts",
    "id_ed25519",
    "id_ed25519.pub",
    ...Object.values(machineFiles),
  ]) {
    await rm(join(dir, name), { force: true });
  }
}

// Written through cat, as this is a "migration" to nowhere: it ends with the machine stopped and its disk complete.
async function save(dir: string, pid: number): Promise<void> {
  await qmp(pid, { execute: "migrate-set-parameters", arguments: { "max-bandwidth": 2 ** 34 } });
  await qmp(pid, { execute: "migrate", arguments: { uri: "exec:umask 077; cat > memory" } });
  await until("the machine's saved state", 300, async () => {
    const [{ status }] = (await qmp(pid, { execute: "query-migrate" })) as [{ status: string }];
    if (status === "failed") throw new Error("QEMU could not save the machine's state");
    return status === "completed";
  });
  await qmp(pid, { execute: "quit" });
  await gone(dir, pid, 60);
}
