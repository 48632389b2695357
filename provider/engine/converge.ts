import { HostError } from "../host/errors.ts";
import type { Session } from "../host/session.ts";
import { checkPreconditions } from "./adopt.ts";
import { executePlan } from "./execute-plan.ts";
import { Incomplete, leftProblem, nameOf } from "./failure.ts";
import type { CommonInputs, Kind } from "./kind.ts";

/** Makes the host what `desired` says, and returns what it then is. Idempotent: it continues what was interrupted. */
export async function converge<I extends CommonInputs, O extends object>(
  kind: Kind<I, O, object>,
  session: Session,
  desired: I,
  prior?: I,
): Promise<O> {
  const name = nameOf(kind, desired);
  const where = `${session.host}, ${name}`;
  const notices = new Set<string>();
  const plan = (o: O) => {
    const refused = checkPreconditions(kind, o, desired, prior);
    if (refused) throw new HostError({ where, ...refused });
    const steps = kind.plan(o, desired, prior);
    for (const notice of steps.length > 0 ? (kind.notices?.(o, desired) ?? []) : []) {
      if (!notices.has(notice)) console.log(`${name}: ${notice}`);
      notices.add(notice);
    }
    return steps;
  };
  /**
   * Stops what is not what was promised; there is no other undoing. By another look: the first may have fallen between two
   * states, such as of a container that has itself rebooted.
   */
  const contain = async (o: O) => {
    if (!kind.verify?.(o, desired)) return { now: o };
    let failed: ReturnType<NonNullable<typeof kind.verify>>;
    const now = await executePlan(kind, session, desired, (again) => {
      const unsafe = kind.verify?.(again, desired);
      failed ??= unsafe;
      return unsafe?.containment ?? [];
    });
    return { failed, now };
  };

  const result = await executePlan(kind, session, desired, plan).catch(async (error) => {
    const { failed } = error instanceof Incomplete && error.observed ? await contain(error.observed) : {};
    if (!failed) throw error;
    const { what, why } = failed.problem;
    throw new Incomplete(
      { ...error.problem, why: `${error.problem.why ?? ""}\n${what}\n${why ?? ""}` },
      error.observed,
    );
  });
  const { failed, now } = await contain(result);
  if (failed) throw new Incomplete({ where, ...failed.problem }, result);
  const left = kind.plan(now, desired, desired);
  if (left.length > 0) throw new Incomplete(leftProblem(name, "not what it should be", session, left), now);
  return now;
}

/** Removes all that there is of it. Idempotent. */
export async function removeResource<I extends CommonInputs, O extends object>(
  kind: Kind<I, O, object>,
  session: Session,
  inputs: I,
): Promise<void> {
  const result = await executePlan(kind, session, inputs, (o) => kind.remove(o, inputs));
  const left = kind.remove(result, inputs);
  if (left.length > 0) throw new HostError(leftProblem(nameOf(kind, inputs), "still there", session, left));
}
