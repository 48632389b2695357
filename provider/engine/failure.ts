import { type Outcome, quoteArgv, type Step } from "../host/batch.ts";
import { HostError, type Problem } from "../host/errors.ts";
import type { Session } from "../host/session.ts";
import type { CommonInputs, Kind } from "./kind.ts";

/**
 * An operation stopped after it had begun to change the host. What there is of the resource is recorded, so that the next
 * operation continues or removes it.
 */
export class Incomplete<O> extends HostError {
  /** What the host was like afterwards, where that is known. */
  readonly observed: O | undefined;

  constructor(problem: Problem, observed: O | undefined) {
    super(problem);
    this.observed = observed;
  }
}

/** What an error calls a resource. */
export function nameOf<I extends CommonInputs>(kind: Kind<I, object, object>, inputs: I): string {
  return `${kind.token} ${kind.hostName(inputs)}`;
}

/** The step at which a plan stopped. */
export function failedStep(steps: Step[], outcomes: Outcome[]): { step: Step; outcome: Outcome } | undefined {
  const outcome = outcomes.at(-1);
  const step = steps[outcomes.length - 1];
  return outcome && step && !(step.ok ?? [0]).includes(outcome.exit) ? { step, outcome } : undefined;
}

/** Lines of a report that an error quotes. */
const MAX_REPORT = 50;

/** What to say of a step that failed. */
export function stepProblem(
  name: string,
  session: Session,
  { step, outcome }: { step: Step; outcome: Outcome },
): Problem {
  const lines = `${outcome.stderr}\n${outcome.stdout}`.trim().split("\n");
  const output = lines.slice(step.report ? -MAX_REPORT : -8).join("\n");
  const known = step.remedies?.find(([cause]) => new RegExp(cause, "m").test(lines.join("\n")));
  const timedOut = outcome.exit === 124 || outcome.exit === 137; // timeout(1)
  const end = timedOut ? "it took too long" : step.report && output ? "" : `exit code ${outcome.exit}`;
  return {
    code: "step-failed",
    what: `${name}: failed at the step "${step.title}"`,
    where: `${session.host}: ${shown(step)}`,
    why: [end, output].filter(Boolean).join("\n"),
    remedy: known?.[1] ?? step.remedy ?? "mend the cause, then run the same command again: it continues from here",
  };
}

/** What to say of steps that are still to do after all of them succeeded. */
export function leftProblem(
  name: string,
  is: "still there" | "not what it should be",
  session: Session,
  left: Step[],
): Problem {
  return {
    code: "not-converged",
    what: `${name} is ${is}, though every step succeeded`,
    where: session.host,
    why: `left to do: ${left.map((step) => `${step.title} (${shown(step)})`).join("; ")}`,
    remedy: "someone else may be changing it at the same time; run the same command again",
  };
}

/** A command as an error shows it. Secrets are in stdin, never in argv; scripts are left out. */
function shown(step: Step): string {
  const text = quoteArgv(step.argv.map((word) => (word.includes("\n") ? "…" : word)));
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}
