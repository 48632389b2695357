import { readFile, rm } from "node:fs/promises";
import { run } from "./run.ts";

/**
 * Removes a folder in which something was built. A build of a root that was killed leaves /proc, /sys and parts of /dev mounted
 * there: what is mounted is not its own, and is unmounted first, or nothing is removed.
 */
export async function removeBuild(dir: string): Promise<void> {
  const mounted = await readFile("/proc/self/mountinfo", "utf8").catch(() => ""); // Linux only
  for (const target of mountsBelow(dir, mounted)) await run("umount", [target]);
  await rm(dir, { recursive: true, force: true });
}

/** What is mounted below a folder by a text of /proc/self/mountinfo (proc_pid_mountinfo(5)), the last one first. */
export function mountsBelow(dir: string, mountinfo: string): string[] {
  const targets = mountinfo.split("\n").flatMap((line) => line.split(" ")[4] ?? []);
  const plain = targets.map((target) =>
    target.replaceAll(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))),
  );
  return plain.filter((target) => target.startsWith(`${dir}/`)).reverse();
}
