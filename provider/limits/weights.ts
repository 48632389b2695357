import { z } from "zod";
import type { Limit } from "./limit.ts";

/** What has no weight of its own has this one (the kernel's cgroup-v2.rst). */
const DEFAULT = 100;

const weight = (what: string) =>
  z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe(`${what}, against the others that want some: 1 to 10000. Default: 100, as everything has.`);

export const cpuWeight = {
  schema: weight("Its share of processor time"),
  controller: "cpu",
  settings: [
    {
      property: "CPUWeight",
      toProperty: (value) => String(value ?? ""),
      file: "cpu.weight",
      toKernel: (value) => String(value ?? DEFAULT),
    },
  ],
  fromKernel: (text) => (text === String(DEFAULT) ? undefined : Number(text)),
} satisfies Limit<number | undefined>;

/** It has an effect where the disk's scheduler heeds weights (bfq), or the kernel's iocost is on. */
export const ioWeight = {
  schema: weight("Its share of what the host's disks can do"),
  controller: "io",
  settings: [
    {
      property: "IOWeight",
      toProperty: (value) => String(value ?? ""),
      file: "io.weight",
      toKernel: (value) => `default ${value ?? DEFAULT}`,
    },
  ],
  fromKernel(text) {
    const value = Number(text.replace("default ", ""));
    return value === DEFAULT ? undefined : value;
  },
} satisfies Limit<number | undefined>;
