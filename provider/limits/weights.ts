import { z } from "zod";
import type { Controller, Limit } from "./limit.ts";

/** What has no weight of its own has this one (the kernel's cgroup-v2.rst). */
const DEFAULT = 100;

/** `text` is what the file holds for a weight. */
const weight = (of: { what: string; controller: Controller; property: string; text: (value: number) => string }) =>
  ({
    schema: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .describe(`${of.what}, against the others that want some: 1 to 10000. Default: 100, as everything has.`),
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

/** It has an effect where the disk's scheduler heeds weights (bfq), or the kernel's iocost is on. */
export const ioWeight = weight({
  what: "Its share of what the host's disks can do",
  controller: "io",
  property: "IOWeight",
  text: (value) => `default ${value}`,
});
