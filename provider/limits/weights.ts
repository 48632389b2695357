import { z } from "zod";
import type { Controller, Limit } from "./limit.ts";

/** What has no weight of its own has this one (the kernel's cgroup-v2.rst). */
const DEFAULT = 100;

/** What it weighs in, when it counts, and how it is kept. */
interface Of {
  what: string;
  note?: string;
  controller: Controller;
  property: string;
  /** What the file holds for a weight. */
  text: (value: number) => string;
}

const weight = (of: Of) =>
  ({
    schema: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .describe(
        `${of.what}, against the others that want some: 1 to 10000.${of.note ?? ""} Default: 100, as everything has.`,
      ),
    controller: of.controller,
    settings: [
      {
        property: of.property,
        toProperty: (value) => String(value ?? ""),
        file: `${of.controller}.weight`,
        toKernel: (value) => of.text(value ?? DEFAULT),
      },
    ],
    fromKernel: (text) => (text === of.text(DEFAULT) ? undefined : Number(/\d+$/.exec(text))),
  }) satisfies Limit<number | undefined>;

export const cpuWeight = weight({
  what: "Its share of processor time",
  controller: "cpu",
  property: "CPUWeight",
  text: String,
});

/** When it counts: the kernel's bfq-iosched.rst, and cgroup-v2.rst of iocost. */
export const ioWeight = weight({
  what: "Its share of what the host's disks can do",
  note: " It counts where the disk's scheduler is bfq, or the kernel's iocost is on.",
  controller: "io",
  property: "IOWeight",
  text: (value) => `default ${value}`,
});
