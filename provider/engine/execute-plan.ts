import { isDeepStrictEqual } from "node:util";
import type { Observation, Results, Step } from "../host/batch.ts";
import { HostError } from "../host/errors.ts";
import type { Session } from "../host/session.ts";
import { failedStep, Incomplete, nameOf, stepProblem } from "./failure.ts";
import type { CommonInputs, Kind } from "./kind.ts";
import { observed, readsOf } from "./observe.ts";
import { type Turn, turnsOf } from "./turns.ts";

/**
 * Observes, plans, and carries the plan out: the locked steps in a batch that first looks again, and does nothing if the host
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
  const look = (results: Results) => observed(kind, session, results, inputs);
  const phase = (steps: Step[], which: Step["phase"]) => steps.filter((step) => step.phase === which);
  const attempted: Step[] = [];
  let last: Observation | undefined;

  // Some steps show only when others are done; but what was done and is still to do will not get better by repetition, nor by
  // another number in the record that goes with it.
  const notYetAttempted = (step: Step) =>
    !attempted.some(({ id, argv }) => id === step.id && isDeepStrictEqual(argv, step.argv));
  const next = (results: Results) => {
    const steps = plan(look(results));
    const before = phase(steps, "before");
    const now = phase(steps, undefined);
    if (before.some(notYetAttempted)) return { now: [], outside: before };
    if (now.some(notYetAttempted)) return { now, outside: [] };
    return { now: [], outside: phase(steps, "after") };
  };
  const failure: Turn["failure"] = (failed, seen) =>
    new Incomplete(
      stepProblem(name, session, failed),
      tryOrUndefined(() => look(seen!.results)),
    );

  /** Does what is to be done under the lock, and returns what remains outside of it. */
  const locked = async (): Promise<Step[]> => {
    last = await turnsOf(session).take({
      kind: kind.token,
      name,
      owner: inputs.owner,
      reads,
      next: (results) => next(results).now,
      done(steps, observation) {
        attempted.push(...steps);
        last = observation;
      },
      failure,
    });
    return next(last.results).outside;
  };
  const run = async (steps: Step[]): Promise<void> => {
    session.changed();
    const report = await session.run({ reads: [], steps }, name).catch((error) => {
      // What the host did is unknown: it may have done all of it.
      throw error instanceof HostError ? new Incomplete<O>(error.problem, undefined) : error;
    });
    const failed = failedStep(steps, report.outcomes);
    if (failed) throw failure(failed, await session.observe(reads, name).catch(() => undefined));
    attempted.push(...steps);
  };

  /** The same error, with what the host tells of the reason. */
  const withReason = async (error: Incomplete<O>): Promise<Incomplete<O>> => {
    const more = kind.afterFailure?.(inputs, error.observed);
    const outcome = more && (await session.observe([more.read], name).catch(() => undefined));
    const told = outcome ? more.tell(outcome.results.get(more.read.key)!) : [];
    if (told.length === 0) return error;
    return new Incomplete({ ...error.problem, why: [error.problem.why, ...told].join("\n") }, error.observed);
  };

  const all = async (): Promise<O> => {
    for (let outside = await locked(); outside.length > 0; outside = await locked()) {
      if (!outside.some(notYetAttempted)) break;
      await run(outside);
    }
    return look(last!.results);
  };
  return all().catch(async (error) => {
    if (error instanceof Incomplete && error.problem.code === "step-failed") throw await withReason(error);
    const begun = error instanceof HostError && !(error instanceof Incomplete) && attempted.length > 0;
    throw begun
      ? new Incomplete(
          error.problem,
          tryOrUndefined(() => look(last!.results)),
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
