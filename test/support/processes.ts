import { readdirSync, readFileSync } from "node:fs";

/** What a process started, directly or not, but for what runs in a test host. To be asked before they are orphans. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const each of readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)) {
    try {
      const parent = Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${each}/stat`, "utf8"))![1]);
      children.set(parent, [...(children.get(parent) ?? []), each]);
    } catch {} // it has ended
  }
  const all = [pid];
  for (const each of all) all.push(...(children.get(each) ?? []).filter((child) => !isInHost(child)));
  return all.slice(1);
}

/** What a host runs is not killed with who asked for it. */
function isInHost(pid: number): boolean {
  try {
    return /^NSpid:\s+\d+\s+\d+/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}

/** SIGKILL. */
export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {} // it has ended
}
