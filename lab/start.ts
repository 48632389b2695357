import { killMachine, type MachineOptions, startMachine } from "./machine.ts";
import { consoleTail, type SelinuxMode, waitUntilReady } from "./ready.ts";
import { writeRecord } from "./record.ts";

/**
 * Starts the machine of a folder and waits until it is ready, and SELinux does what its configuration says ("Enforcing" by default);
 * one that does not get there is ended, and its console shown.
 */
export async function startUntilReady(
  dir: string,
  { selinux, ...options }: MachineOptions & { selinux?: SelinuxMode },
): Promise<number> {
  try {
    const machine = await startMachine(dir, options);
    const { pid } = machine;
    await waitUntilReady(dir, pid, {
      resumed: options.memory !== undefined,
      selinux,
    });
    await writeRecord(dir, { ...machine, ready: true });
    return pid;
  } catch (error) {
    await killMachine(dir);
    throw new Error(`${(error as Error).message}\nThe end of its console:\n${await consoleTail(dir)}`);
  }
}
