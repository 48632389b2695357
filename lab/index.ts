import { existsSync } from "node:fs";
import { mkdir, readFile, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "../scripts/setup/lock.ts";
import { say } from "../scripts/setup/progress.ts";
import { bootLab } from "./boot.ts";
import { isWhole } from "./disk.ts";
import { ensureImage, type LabImage } from "./image.ts";
import { killMachine, stopMachine } from "./machine.ts";
import { machineFiles } from "./qemu.ts";
import { type SelinuxMode, waitUntilReady } from "./ready.ts";
import { readRecord, runningRecord } from "./record.ts";
import { type SshOptions, type SshResult, ssh, sshConfigPath } from "./ssh.ts";
import { until } from "./wait.ts";

export type { SshOptions, SshResult } from "./ssh.ts";

/** A running lab host. */
export interface Lab {
  dir: string;
  /** For `ssh -F FILE lab`. */
  sshConfig: string;
  pid: number;
  port: number;
  accelerator: string;
  /** Runs a command as root; a failed one is an error unless `reject` is false. */
  ssh(command: string, options?: SshOptions): Promise<SshResult>;
  /** What the machine has written on its console. */
  console(): Promise<string>;
  /** Boots it again, into what its configuration has SELinux do. */
  reboot(selinux?: SelinuxMode): Promise<void>;
  stop(): Promise<void>;
  /** Throws everything on its disk away and starts anew: on another port, as another process. */
  reset(): Promise<Lab>;
}

/** Which lab to start. */
export interface LabOptions {
  /** Keeps its disk, keys, ssh configuration and console log. */
  dir: string;
  /** Throw away what an earlier lab left on its disk. */
  fresh?: boolean;
  /** The machine goes when this process goes, however it ends. */
  owner?: number;
  /** What its configuration has SELinux do at the next boot. Default: "Enforcing". */
  selinux?: SelinuxMode;
}

/** Starts the lab host of a folder and waits until it is ready; one that runs already is left as it is. */
export async function startLab({ dir: folder, fresh = false, owner, selinux }: LabOptions): Promise<Lab> {
  const image = await ensureImage();
  await mkdir(folder, { recursive: true });
  const dir = await realpath(folder);
  return withLock(join(dir, "lock"), "the lab host", async () => {
    // one that never got ready was left by a start that was killed
    if (fresh || (await runningRecord(dir))?.ready === false) await killMachine(dir);
    if (!(await runningRecord(dir))) {
      if (fresh || (await isOutdated(dir, image))) await rm(join(dir, machineFiles.disk), { force: true });
      await bootLab(dir, image, { owner, selinux });
    }
    const lab = (await attachLab(dir))!;
    return { ...lab, reset: () => startLab({ dir, fresh: true, owner }) };
  });
}

/** The lab host that runs in a folder. */
export async function attachLab(dir: string): Promise<Lab | undefined> {
  const machine = await runningRecord(dir);
  if (!machine) return undefined;
  return {
    dir,
    sshConfig: sshConfigPath(dir),
    pid: machine.pid,
    port: machine.port,
    accelerator: machine.accelerator,
    ssh: (command, options) => ssh(dir, command, options),
    console: () => readFile(join(dir, machineFiles.console), "utf8"),
    reboot: (selinux) => reboot(dir, machine.pid, selinux),
    stop: () => stopMachine(dir),
    reset: () => startLab({ dir, fresh: true }),
  };
}

/** One line on the lab host of a folder. */
export async function labStatus(dir: string): Promise<string> {
  const machine = await runningRecord(dir);
  if (!machine) return "stopped";
  const minutes = Math.round((Date.now() - machine.started) / 60_000);
  return `running for ${minutes} min on 127.0.0.1:${machine.port}, ${machine.accelerator}, process ${machine.pid}`;
}

async function isOutdated(dir: string, image: LabImage): Promise<boolean> {
  const disk = join(dir, machineFiles.disk);
  const last = await readRecord(dir);
  if (!existsSync(disk) || (last?.image === image.dir && (await isWhole(disk)))) return false;
  say("· the lab host is made of other parts by now: starting from a fresh disk");
  return true;
}

async function reboot(dir: string, pid: number, selinux?: SelinuxMode): Promise<void> {
  const bootId = async () =>
    (await ssh(dir, "cat /proc/sys/kernel/random/boot_id", { reject: false, timeout: 20 })).stdout;
  const before = await bootId();
  await ssh(dir, "systemctl reboot", { reject: false });
  await until("the next boot", 900, async () => {
    const now = await bootId();
    return now !== "" && now !== before;
  });
  await waitUntilReady(dir, pid, { selinux });
}
