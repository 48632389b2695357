import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { LabImage } from "./image.ts";
import { type Accelerator, machineArguments, machineFiles, qemu } from "./qemu.ts";
import { qmp } from "./qmp.ts";
import { isMachine, type MachineRecord, runningRecord, writeRecord } from "./record.ts";
import { writeSshConfig } from "./ssh.ts";
import { until } from "./wait.ts";
import { endWith } from "./watch.ts";

/** What to start. */
export interface MachineOptions {
  image: LabImage;
  accelerator: Accelerator;
  /** The file with a saved state's memory, to start from instead of booting. */
  memory?: string;
  /** The process that it ends with. */
  owner?: number;
}

/** Starts the machine of a folder, and writes down how to reach it; it runs on when we end. */
export async function startMachine(
  dir: string,
  { image, accelerator, memory, owner }: MachineOptions,
): Promise<MachineRecord> {
  await rm(join(dir, machineFiles.qmp), { force: true });
  const incoming = memory ? ["-incoming", `exec:cat '${memory}'`] : [];
  const pid = await launch(dir, [...machineArguments(image, accelerator), ...incoming]);
  if (owner) endWith(owner, pid);
  const begun = { pid, port: 0, accelerator: accelerator.name, image: image.dir, started: Date.now(), ready: false };
  await writeRecord(dir, begun); // before anything else: whoever comes after a start that was killed finds it
  const record = { ...begun, port: await forwardedPort(dir, pid) };
  await writeRecord(dir, record);
  await until("the machine's start", 300, () => runs(dir, pid)); // memory is read first
  await writeSshConfig(dir, record.port, image);
  return record;
}

/** Shuts the machine down; one that does not go by itself within two minutes is killed. */
export async function stopMachine(dir: string): Promise<void> {
  const machine = await runningRecord(dir);
  if (!machine) return;
  await qmp(machine.pid, { execute: "system_powerdown" }).catch(() => undefined);
  await gone(dir, machine.pid, 120).catch(() => killMachine(dir));
}

/** Ends the machine at once. */
export async function killMachine(dir: string): Promise<void> {
  const machine = await runningRecord(dir);
  if (!machine) return;
  process.kill(machine.pid, "SIGKILL");
  await gone(dir, machine.pid, 30);
}

/** Waits until the machine has ended. */
export async function gone(dir: string, pid: number, seconds: number): Promise<void> {
  await until("the end of QEMU", seconds, async () => !(await isMachine(dir, pid)));
}

async function launch(dir: string, args: string[]): Promise<number> {
  const log = await open(join(dir, machineFiles.log), "w");
  try {
    const child = spawn(qemu, args, { cwd: dir, detached: true, stdio: ["ignore", log.fd, log.fd] });
    await once(child, "spawn");
    child.unref();
    return child.pid!;
  } finally {
    await log.close();
  }
}

// Port 0 lets the kernel choose a free one, without a race; QEMU then says which.
async function forwardedPort(dir: string, pid: number): Promise<number> {
  return until("QEMU's control socket", 300, async () => {
    await requireAlive(dir, pid);
    if (!existsSync(join(dir, machineFiles.qmp))) return undefined;
    const [table] = await qmp(pid, { execute: "human-monitor-command", arguments: { "command-line": "info usernet" } });
    const port = /HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)/.exec(String(table))?.[1];
    return port ? Number(port) : undefined;
  });
}

async function runs(dir: string, pid: number): Promise<boolean> {
  await requireAlive(dir, pid);
  const [{ running }] = (await qmp(pid, { execute: "query-status" })) as [{ running: boolean }];
  return running;
}

async function requireAlive(dir: string, pid: number): Promise<void> {
  if (await isMachine(dir, pid)) return;
  throw new Error(`QEMU ended: ${await readFile(join(dir, machineFiles.log), "utf8")}`);
}
