import { z } from "zod";
import type { Limit } from "./limit.ts";

/** Microseconds: systemd's own (CPUQuotaPeriodSec= in systemd.resource-control(5)). */
const PERIOD = 100_000;

export const cpus = {
  schema: z
    .number()
    .min(0.01, "must be 0.01 or more")
    .max(4096)
    .multipleOf(0.01, "must be a multiple of 0.01")
    .optional()
    .describe("Most processor time that it may use, in processors: 1.5 is one and a half. Default: all that there is."),
  controller: "cpu",
  settings: [
    {
      property: "CPUQuota",
      toProperty: (value) => (value === undefined ? "" : `${Math.round(value * 100)}%`),
      file: "cpu.max",
      toKernel: (value) => `${value === undefined ? "max" : Math.round(value * PERIOD)} ${PERIOD}`,
    },
  ],
  fromKernel(text) {
    const [quota, period] = text.split(" ").map(Number);
    return quota && period ? quota / period : undefined;
  },
} satisfies Limit<number | undefined>;
