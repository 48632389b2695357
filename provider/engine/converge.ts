import { isDeepStrictEqual } from "node:util";
import { type Observation, type Outcome, quoteArgv, type Step } from "../host/batch.ts";
import { HostError, type Problem } from "../host/errors.ts";
import type { Session } from "../host/session.ts";
import type { CommonInputs, Kind } from "./kind.ts";
import { observed, readsOf } from "./observe.ts";

/** Others may change the host between our look and our lock; each time we plan anew from what they left. */
const MAX_REPLANS = 20;

/** An operation stopped half-way. `observed` is what the host was like afterwards, where that is known. */
export class Incomplete<O> extends HostError {
  readonly observed: O | undefined;

  constructor(problem: Problem, observed: O | undefined) {
    super(problem);
    this.observed = observed;
  }
}

/** Makes the host what `desired` says, and returns what it then is. Idempotent: it continues what was interrupted. */
export async function converge<I extends CommonInputs, O extends object>(
  kind: Kind<I, O, object>,
  session: Session,
  desired: I,
  prior?: I,
): Promise<O> {
  const plan = (o: O) => {
    const refusal = kind.refuse?.(o, desired, prior);
    if (refusal) throw new HostError({ where: where(kind, session, desired), ...refusal });
    return kind.plan(o, desired, prior);
  };
  const result = await carryOut(kind, session, desired, plan);

  const failed = kind.verify?.(result, desired);
  if (failed) {
    await carryOut(kind, session, desired, () => failed.safety);
    throw new Incomplete({ where: where(kind, session, desired), ...failed.problem }, result);
  }
  const left = kind.plan(result, desired, desired);
  if (left.length === 0) return result;
  throw new Incomplete(
    {
      what: `${kind.token} ${kind.hostName(desired)} is not what it should be, though every step succeeded`,
      where: session.host,
      why: `left to do: ${left.map((s) => `${s.why} (${shown(s)})`).join("; ")}`,
      remedy: "someone else may be changing it at the same time; run `pulumi up` again",
    },
    result,
  );
}

/** Removes all that there is of it. Idempotent. */
export async function dissolve<I extends CommonInputs, O extends object>(
  kind: Kind<I, O, object>,
  session: Session,
  inputs: I,
): Promise<void> {
  const result = await carryOut(kind, session, inputs, (o) => kind.remove(o, inputs));
  const left = kind.remove(result, inputs);
  if (left.length === 0) return;
  throw new HostError({
    what: `${kind.token} ${kind.hostName(inputs)} is still there, though every step succeeded`,
    where: session.host,
    why: `left to do: ${left.map((s) => s.why).join("; ")}`,
    remedy: "run the same command again",
  });
}

/** Observes, plans, and carries the plan out: what is long before and after the lock, the rest under it. */
async function carryOut<I extends CommonInputs, O extends object>(
  kind: Kind<I, O, object>,
  session: Session,
  inputs: I,
  plan: (observed: O) => Step[],
): Promise<O> {
  const label = `${kind.token} ${kind.hostName(inputs)}`;
  const reads = readsOf(kind, inputs);
  const look = (observation: Observation) => observed(kind, session, observation.results, inputs);

  const run = async (steps: Step[], lock?: { holder: string; expect: string }) => {
    const report = await session.run({ reads, steps, lock }, label);
    const failure = report.stale ? undefined : failed(steps, report.outcomes);
    if (failure) throw new Incomplete(explain(kind, session, inputs, failure), look(report.observation));
    return report;
  };

  let last: Observation | undefined;
  let done: Step[] = [];
  const prepared = new Set<string>();
  const after = await session.exclusively(async () => {
    last = await session.observe(reads, label);
    for (let replans = 0; replans < MAX_REPLANS; replans++) {
      const steps = plan(look(last));
      for (const step of steps.filter((s) => s.phase === "before" && !prepared.has(quoteArgv(s.argv)))) {
        await run([step]);
        prepared.add(quoteArgv(step.argv));
      }
      const locked = steps.filter((s) => s.phase === undefined);
      // Some steps show only when others are done; but what was done and is still to do will not get better by repetition.
      if (locked.every((step) => done.some((d) => isDeepStrictEqual(d, step))))
        return steps.filter((s) => s.phase === "after");
      session.changed();
      const report = await run(locked, { holder: inputs.owner, expect: last.digest });
      last = report.observation;
      if (!report.stale) done = locked;
    }
    throw new HostError({
      what: `${label}: the host changed ${MAX_REPLANS} times between looking and acting`,
      where: session.host,
      remedy: "find out what else changes it (another stack, a script), then run the same command again",
    });
  });
  if (after.length > 0) last = (await run(after)).observation;
  return look(last!);
}

function failed(steps: Step[], outcomes: Outcome[]): { step: Step; outcome: Outcome } | undefined {
  const outcome = outcomes.at(-1);
  const step = steps[outcomes.length - 1];
  return outcome && step && !(step.ok ?? [0]).includes(outcome.exit) ? { step, outcome } : undefined;
}

function explain<I extends CommonInputs>(
  kind: Kind<I, object, object>,
  session: Session,
  inputs: I,
  { step, outcome }: { step: Step; outcome: Outcome },
): Problem {
  const output = `${outcome.stderr}\n${outcome.stdout}`.trim().split("\n").slice(-8).join("\n");
  const timedOut = outcome.exit === 124 || outcome.exit === 137;
  return {
    what: `${kind.token} ${kind.hostName(inputs)}: failed at the step "${step.why}"`,
    where: `${session.host}: ${shown(step)}`,
    why: `${timedOut ? "it took too long" : `exit code ${outcome.exit}`}${output ? `\n${output}` : ""}`,
    remedy: "mend the cause, then run `pulumi up` again: it continues from here",
  };
}

/** A command as an error shows it. Secrets are in stdin, never in argv; long scripts are cut. */
function shown(step: Step): string {
  const text = quoteArgv(step.argv.map((a) => (a.includes("\n") ? "…" : a)));
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}

function where<I extends CommonInputs>(kind: Kind<I, object, object>, session: Session, inputs: I): string {
  return `${session.host}, ${kind.token} ${kind.hostName(inputs)}`;
}
