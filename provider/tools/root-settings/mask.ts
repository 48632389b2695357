import { z } from "zod";
import type { StepName } from "../../host/batch.ts";
import { insideStep, type Setting, systemctl, without } from "./setting.ts";
import { unitSchema } from "./units.ts";

/** The kernel lets no user namespace mount these; tried at every boot, they would leave the system degraded. */
const NEVER = ["sys-kernel-config.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount"];

const inputs = {
  /** Units that cannot be started inside, by whatever. Kept converged; one that is taken off the list is unmasked. */
  mask: z.array(unitSchema).refine(isUnique, "names a unit twice").optional(),
};

export const mask = {
  inputs,
  found: (look) => ({ masked: [...look.masked].sort() }),
  steps(target, found, { mask = [] }, written) {
    const masked = found.masked ?? [];
    const stale = without(written.masks, [...mask, ...NEVER]).filter((unit) => masked.includes(unit));
    const change = (step: StepName, command: string, units: string[]) =>
      units.length === 0 ? [] : [insideStep(target, step, systemctl(target, command, ...units))];
    const missing = without(mask, masked);
    const [all, none] = [missing.join(" "), stale.join(" ")];
    const mounts = without(NEVER, masked).length === 0 ? [] : NEVER;
    return [
      ...change({ id: "mask-mounts", title: "Masking what no container can mount" }, "mask", mounts),
      ...change({ id: "mask-units", subject: all, title: `Masking ${all}` }, "mask", missing),
      ...change({ id: "unmask-units", subject: none, title: `Unmasking ${none}` }, "unmask", stale),
    ];
  },
  actual({ masked }, { mask }, written) {
    const is = [...new Set([...(mask ?? []), ...written.masks])].filter((unit) => masked.includes(unit));
    return { mask: mask || is.length > 0 ? is : undefined };
  },
} satisfies Setting<{ mask?: string[] }, { masked: string[] }>;

function isUnique(list: readonly string[]): boolean {
  return new Set(list).size === list.length;
}
