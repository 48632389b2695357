import { z } from "zod";
import type { Limit } from "./limit.ts";

/** 2048 is what Podman gives a container (containers.conf(5), pids_limit). */
export const tasks = {
  schema: z
    .int()
    .min(64, "must be 64 or more: systemd itself needs some")
    .default(2048)
    .describe("Most processes and threads that it may have at a time. Default: 2048."),
  controller: "pids",
  settings: [{ property: "TasksMax", toProperty: String, file: "pids.max", toKernel: String }],
  fromKernel: (text) => (text === "max" ? undefined : Number(text)),
} satisfies Limit<number>;
