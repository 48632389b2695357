import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** Has a machine end when its owner ends, even by SIGKILL: a process of its own looks after it. */
export function endWith(owner: number, machine: number): void {
  const args = [import.meta.filename, ...identify(owner), ...identify(machine)];
  spawn(process.execPath, args, { detached: true, stdio: "ignore" }).unref();
}

async function watch(owner: string[], machine: string[]): Promise<void> {
  while (isAlive(owner) && isAlive(machine)) await delay(500);
  if (isAlive(machine)) process.kill(Number(machine[0]), "SIGKILL");
}

// The time at which it was started tells a process from a later one with the same id.
function identify(pid: number): [string, string] {
  const stat = `/proc/${pid}/stat`;
  const started = existsSync(stat) ? readFileSync(stat, "utf8").split(") ").pop()!.split(" ")[19]! : "gone";
  return [String(pid), started];
}

function isAlive([pid, started]: string[]): boolean {
  const [, now] = identify(Number(pid));
  return now === started && now !== "gone";
}

// As import.meta.main says only from Node 24.2 on.
if (process.argv[1] === import.meta.filename) {
  const args = process.argv.slice(2);
  await watch(args.slice(0, 2), args.slice(2));
}
