import { z } from "zod";
import { formatMemory, parseMemory } from "../tools/memory.ts";
import type { Limit } from "./limit.ts";

/** KiB that libvirt's controller of a container needs for itself: it is charged to the same slice. */
const CONTROLLER = 64 * 1024;

const bytes = (memory = "") => String(((parseMemory(memory) ?? 0) + CONTROLLER) * 1024);

/** No swap: a container that is short of memory must not have the host write to its disk for it. */
export const memory = {
  schema: z
    .string()
    .superRefine((text, context) => {
      if (parseMemory(text) === undefined)
        context.addIssue("must be a whole number of KiB, MiB or GiB, such as 512MiB");
    })
    .default("512MiB")
    .describe(
      "Most memory that it may use: a whole number of KiB, MiB or GiB. It has no swap. Its /tmp and /dev/shm may take a quarter of it each, its /run a tenth. Default: 512MiB.",
    ),
  controller: "memory",
  settings: [
    { property: "MemoryMax", toProperty: bytes, file: "memory.max", toKernel: bytes },
    { property: "MemorySwapMax", toProperty: () => "0", file: "memory.swap.max", toKernel: () => "0" },
  ],
  fromKernel: (text) => (/^\d+$/.test(text) ? formatMemory(Number(text) / 1024 - CONTROLLER) : undefined),
} satisfies Limit<string>;
