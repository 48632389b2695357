import type { Run, Stack } from "../stack.ts";

/** So small that the host can keep those of all. */
const DISK = "64MiB";

/** What is declared of each container, and of the first one besides: c0, c1, … */
export function equalContainers(count: number, each: object = {}, first: object = {}): Record<string, object> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`c${i}`, { disk: DISK, ...each, ...(i === 0 && first) }]),
  );
}

/** An operation that must succeed: times of what failed say nothing. */
export async function succeeded(running: Promise<Run>): Promise<Run> {
  const run = await running;
  if (!run.ok) throw new Error(run.output.slice(-10_000));
  return run;
}

/** The same, of which it must have changed so many resources. */
export async function changed(count: number, running: Promise<Run>): Promise<Run> {
  const run = await succeeded(running);
  const is = Object.keys(run.operations).length;
  if (is !== count) throw new Error(`it changed ${is} resources, and not ${count}:\n${run.output.slice(-10_000)}`);
  return run;
}

/** Round trips for containers, without those that wait for a boot or bring an archive. */
export function tripsFor({ roundTrips }: Run): number {
  return roundTrips.filter(
    ({ names, steps }) =>
      names.some((name) => /^(refresh|Lxc(Rootfs|Domain) .*)$/.test(name)) &&
      !steps.some((step) => ["await-boot", "upload-image"].includes(step)),
  ).length;
}

/** The milliseconds of an operation in which a host was asked, or worked. Round trips to one host at the same time count once. */
export function hostTime({ roundTrips }: Run): number {
  let [sum, end] = [0, 0];
  for (const { at, ms } of [...roundTrips].sort((a, b) => a.at - b.at)) {
    sum += Math.max(0, at + ms - Math.max(at, end));
    end = Math.max(end, at + ms);
  }
  return sum;
}

/** As many operations of the engine at a time as a host has containers: what arrives together travels together. */
export const TOGETHER = ["--parallel", "1024"];

export type Operation = (stack: Stack) => Promise<Run>;
