import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { checkout } from "../../../scripts/setup/paths.ts";
import { descendants } from "../processes.ts";
import type { Stack } from "../stack.ts";
import { changed, TOGETHER } from "./containers.ts";
import { type Section, seconds, spread } from "./figures.ts";
import type { Level } from "./level.ts";
import type { TrivialStack } from "./trivial.ts";

const ROUNDS = 5;

/** What the process of the provider takes, ours and one of trivial resources. */
export interface ProviderCosts {
  resources: number;
  /** The most memory that it had while there was nothing to do, in MB. */
  memory: { ours: number; trivial: number };
  /** Until it has answered its first question, in milliseconds. */
  start: { ours: number[]; trivial: number[] };
}

export async function measureProvider(level: Level, trivial: TrivialStack): Promise<ProviderCosts> {
  const memory = {
    ours: await peakMemory(() => changed(0, level.stack.up(...TOGETHER))),
    trivial: await peakMemory(() => trivial.nothingToDo()),
  };
  const { inputs } = (await level.stack.resources())["LxcDomain c0"];
  const start: ProviderCosts["start"] = { ours: [], trivial: [] };
  await timeToAnswer(level.stack, inputs); // what Node compiles is kept from then on
  for (let round = 0; round < ROUNDS; round++) {
    start.ours.push(await timeToAnswer(level.stack, inputs));
    start.trivial.push(await timeToAnswer(level.stack, { __provider: "exports.handler = () => ({});" }));
  }
  return { resources: 2 * level.count, memory, start };
}

export function providerSection({ resources, memory, start }: ProviderCosts): Section {
  return {
    id: "provider",
    title: "The process of the provider",
    figures: [
      {
        what: `memory of the provider, ${resources} resources`,
        against: "counted",
        place: "stand-in host",
        unit: " MB",
        goal: { most: 150 },
        samples: [memory.ours],
      },
      {
        what: "start of the provider, until it has answered",
        against: "beyond a trivial provider",
        place: "stand-in host",
        unit: " ms",
        goal: { most: 300 },
        samples: start.ours.map((ms, i) => ms - start.trivial[i]!),
      },
    ],
    table: {
      head: ["", "ours", "trivial"],
      rows: [
        [`memory with nothing to do, ${resources} resources`, ...[memory.ours, memory.trivial].map(megabytes)],
        ["start, until it has answered", seconds(start.ours), seconds(start.trivial)],
      ],
    },
  };
}

const megabytes = (number: number) => spread([number], " MB");

async function timeToAnswer(stack: Stack, properties: object): Promise<number> {
  const program = join(checkout, "test/support/bench/ask-provider.ts");
  const { stdout, stderr } = await stack.exec(process.execPath, program, JSON.stringify(properties));
  if (!Number(stdout)) throw new Error(stderr);
  return Number(stdout);
}

/** The most memory (proc_pid_status(5), VmHWM) that a provider of this process's had while something was done, in MB. */
async function peakMemory(work: () => Promise<unknown>): Promise<number> {
  let [peak, isDone] = [0, false];
  const end = () => {
    isDone = true;
  };
  const done = work().finally(end);
  done.catch(() => {});
  const providers = new Set<number>();
  while (!isDone) {
    if (providers.size === 0) for (const pid of descendants(process.pid)) if (await isProvider(pid)) providers.add(pid);
    for (const pid of providers) {
      const [, kilobytes = 0] = /^VmHWM:\s+(\d+)/m.exec(await ofProcess(pid, "status")) ?? [];
      peak = Math.max(peak, Number(kilobytes) / 1024);
    }
    await setTimeout(50);
  }
  await done;
  return peak;
}

async function isProvider(pid: number): Promise<boolean> {
  const [program = "", script = ""] = (await ofProcess(pid, "cmdline")).split("\0");
  return program.endsWith("node") && script.includes("dynamic-provider");
}

const ofProcess = (pid: number, file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
