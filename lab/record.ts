import { readFile, readlink, realpath, rename, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { qemu } from "./qemu.ts";

/** What is written down about the machine of a lab folder. */
export interface MachineRecord {
  pid: number;
  port: number;
  accelerator: string;
  /** When, in milliseconds since 1970. */
  started: number;
  /** Whether it got as far as what a lab host promises. */
  ready: boolean;
  /** The image that its disk is laid over. */
  image: string;
}

const file = (dir: string) => join(dir, "machine.json");

/** The record of the machine that was started last in this folder, running or not. */
export async function readRecord(dir: string): Promise<MachineRecord | undefined> {
  try {
    return JSON.parse(await readFile(file(dir), "utf8"));
  } catch {
    return undefined;
  }
}

/** Writes the record down in one go. */
export async function writeRecord(dir: string, record: MachineRecord): Promise<void> {
  await writeFile(`${file(dir)}.new`, JSON.stringify(record));
  await rename(`${file(dir)}.new`, file(dir));
}

/** Whether this process is the machine of this folder: a process id alone may have become somebody else's. */
export async function isMachine(dir: string, pid: number): Promise<boolean> {
  try {
    const [cwd, program] = await Promise.all([readlink(`/proc/${pid}/cwd`), readlink(`/proc/${pid}/exe`)]);
    return cwd === (await realpath(dir)) && basename(program).startsWith(qemu);
  } catch {
    return false; // gone, or not ours to look at
  }
}

/** The record of the machine that runs in this folder now. */
export async function runningRecord(dir: string): Promise<MachineRecord | undefined> {
  const record = await readRecord(dir);
  return record && (await isMachine(dir, record.pid)) ? record : undefined;
}
