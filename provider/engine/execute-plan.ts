import { isDeepStrictEqual } from "node:util";
import type { Observation, Report, Restart, Step } from "../host/batch.ts";
import { HostError } from "../host/errors.ts";
import type { Session } from "../host/session.ts";
import { failedStep, Incomplete, nameOf, stepProblem } from "./failure.ts";
import type { CommonInputs, Kind } from "./kind.ts";
import { observed, readsOf } from "./observe.ts";

/** Others may change the host between our look and our lock; each time we plan anew from what they left. */
const MAX_REPLANS = 20;

/**
 * Observes, plans, and carries the plan out: the locked steps in one batch that first looks again, and does nothing if the host
 * is not as the plan expects; long work before and after them, while others may use the host. Returns the last observation.
 */
export async function executePlan<I extends CommonInputs, O extends object>(
  kind: Kind<I, O, object>,
  session: Session,
  inputs: I,
  plan: (observed: O) => Step[],
): Promise<O> {
  const name = nameOf(kind, inputs);
  const reads = readsOf(kind, inputs);
  const look = (observation: Observation) => observed(kind, session, observation.results, inputs);
  const phase = (steps: Step[], which: Step["phase"]) => steps.filter((step) => step.phase === which);
  let last: Observation | undefined;
  let done: Step[] = [];

  const run = async (steps: Step[], lock?: { holder: string; expect: string }): Promise<Report> => {
    session.changed();
    const report = await session.run({ reads, steps, lock }, name).catch((error) => {
      // What the host did is unknown: it may have done all of it.
      throw error instanceof HostError ? new Incomplete<O>(error.problem, undefined) : error;
    });
    const failure = report.stale ? undefined : failedStep(steps, report.outcomes);
    if (failure)
      throw new Incomplete(
        stepProblem(name, session, failure),
        tryOrUndefined(() => look(report.observation)),
      );
    last = report.observation;
    if (report.stale) return report;
    done = [...done, ...steps];
    const restart = steps.at(-1)?.restart;
    if (restart) last = await afterRestart(restart, report.boot);
    return report;
  };
  const afterRestart = async (restart: Restart, boot: string | undefined): Promise<Observation> => {
    await session.awaitBoot(boot, restart, name);
    session.changed();
    return session.observe(reads, name);
  };
  // Some steps show only when others are done; but what was done and is still to do will not get better by repetition, nor by
  // another number in the record that goes with it.
  const notYetAttempted = (step: Step) =>
    !done.some(({ id, argv }) => id === step.id && isDeepStrictEqual(argv, step.argv));

  /** Does what is to be done under the lock, and returns what remains outside of it. */
  const locked = async (): Promise<Step[]> => {
    last ??= await session.observe(reads, name);
    for (let replans = 0; replans < MAX_REPLANS; replans++) {
      const steps = plan(look(last));
      if (phase(steps, "before").some(notYetAttempted)) return phase(steps, "before");
      const now = phase(steps, undefined);
      if (!now.some(notYetAttempted)) return phase(steps, "after");
      await run(now, { holder: inputs.owner, expect: last.digest });
    }
    throw new HostError({
      code: "host-keeps-changing",
      what: `${name}: the host changed ${MAX_REPLANS} times between looking and acting`,
      where: session.host,
      remedy: "find out what else changes it (another stack, a script), then run the same command again",
    });
  };

  /** What shows only after a wait, and is all that is left. */
  const afterWait = (): Step[] => {
    const steps = plan(look(last!));
    return steps.every((step) => step.phase === "after") ? steps.filter(notYetAttempted) : [];
  };

  const all = async (): Promise<O> => {
    let outside = await session.exclusively(locked);
    while (outside.length > 0) {
      await run(outside);
      outside = outside.every((step) => step.phase === "after") ? afterWait() : await session.exclusively(locked);
    }
    return look(last!);
  };
  return all().catch((error) => {
    const begun = error instanceof HostError && !(error instanceof Incomplete) && done.length > 0;
    throw begun
      ? new Incomplete(
          error.problem,
          tryOrUndefined(() => look(last!)),
        )
      : error;
  });
}

function tryOrUndefined<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
