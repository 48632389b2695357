import type { z } from "zod";
import { cpus } from "./cpus.ts";
import type { Limit } from "./limit.ts";
import { memory } from "./memory.ts";
import { tasks } from "./tasks.ts";
import { cpuWeight, ioWeight } from "./weights.ts";

/** The limits of a container, by the names of their inputs. */
export const LIMITS = { memory, tasks, cpus, cpuWeight, ioWeight };

export type LimitName = keyof typeof LIMITS;

type Schemas = { [N in LimitName]: (typeof LIMITS)[N]["schema"] };

/** The values of the inputs. */
export type LimitValues = z.output<z.ZodObject<Schemas>>;

/** All of them, for what goes through them: each takes what its own schema gives. */
export const ALL_LIMITS = Object.entries(LIMITS) as [LimitName, Limit<LimitValues[LimitName]>][];

/** The schemas of the inputs. */
export const limitInputs = Object.fromEntries(ALL_LIMITS.map(([name, { schema }]) => [name, schema])) as Schemas;

/** The values of limits that nobody gives. */
export const DEFAULT_LIMITS = Object.fromEntries(
  ALL_LIMITS.map(([name, { schema }]) => [name, schema.parse(undefined)]),
) as LimitValues;

/** The limits among other inputs. */
export function limitsOf(inputs: LimitValues): LimitValues {
  return Object.fromEntries(ALL_LIMITS.map(([name]) => [name, inputs[name]])) as LimitValues;
}
