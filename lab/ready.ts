import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { machineFiles } from "./qemu.ts";
import { isMachine } from "./record.ts";
import { ssh } from "./ssh.ts";
import { until } from "./wait.ts";

const bootSeconds = 300;

const questions = [
  "systemctl is-system-running --wait",
  "getenforce",
  "systemctl is-active libvirtd.socket",
  "systemctl list-units --failed --plain --no-legend",
];

/** What SELinux does, in the words of getenforce(8). */
export type SelinuxMode = "Enforcing" | "Permissive" | "Disabled";

/**
 * Waits until the lab host is what it promises: up with no failed unit, SELinux enforcing, libvirt's socket there. Of one that
 * does not enforce, units of ours may have failed, and libvirt may be unable to start.
 */
export async function waitUntilReady(
  dir: string,
  pid: number,
  { resumed = false, selinux: expected = "Enforcing" }: { resumed?: boolean; selinux?: SelinuxMode } = {},
): Promise<void> {
  const stdout = await until("ssh to the lab host", bootSeconds, () => ask(dir, pid, resumed));
  const [system, selinux, libvirt, ...failed] = stdout.split("\n");
  if (selinux !== expected) throw new Error(`SELinux in the lab host is ${selinux}`);
  if (selinux !== "Enforcing") return;
  if (system !== "running") throw new Error(`the lab host is ${system}\n${failed.join("\n")}`);
  if (libvirt !== "active") throw new Error(`libvirtd.socket in the lab host is ${libvirt}`);
}

async function ask(dir: string, pid: number, resumed: boolean): Promise<string | undefined> {
  // A machine from a saved state has slept: it is told what time it is, and given randomness of its own.
  const wake = resumed ? [`date --set=@${Date.now() / 1000} >/dev/null`, "cat >/dev/urandom"] : [];
  const { stdout, exitCode } = await ssh(dir, [...wake, ...questions].join("; "), {
    input: randomBytes(64).toString("base64"),
    timeout: bootSeconds,
    reject: false,
  });
  if (exitCode !== 255) return stdout;
  if (!(await isMachine(dir, pid))) throw new Error("QEMU ended");
  if ((await consoleTail(dir)).includes("Kernel panic - not syncing"))
    throw new Error("the lab host's kernel panicked");
  return undefined;
}

/** The end of what the machine wrote on its console. */
export async function consoleTail(dir: string, lines = 30): Promise<string> {
  const text = await readFile(join(dir, machineFiles.console), "utf8").catch(() => "");
  return text.replaceAll("\r", "").trimEnd().split("\n").slice(-lines).join("\n");
}
