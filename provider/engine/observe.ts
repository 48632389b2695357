import { quoteArgv, type Read, type Results } from "../host/batch.ts";
import { HostError } from "../host/errors.ts";
import type { Session } from "../host/session.ts";
import type { CommonInputs, Kind } from "./kind.ts";

/** The looks at the host for one resource. */
export function readsOf<I extends CommonInputs>(kind: Kind<I, object, object>, inputs: I): Read[] {
  return kind.reads(kind.hostName(inputs));
}

/** Looks, each once, at all that they are asked of. */
export function uniqueReads(reads: readonly Read[]): Read[] {
  return [...Map.groupBy(reads, ({ key }) => key).values()].map((same) => {
    const of = [...new Set(same.flatMap((read) => read.of ?? []))];
    return { ...same[0]!, ...(of.length > 0 && { of: of.includes("*") ? ["*"] : of.sort() }) };
  });
}

/** What the results say of one resource. */
export function observed<I extends CommonInputs, O extends object>(
  kind: Kind<I, O, object>,
  session: Session,
  results: Results,
  inputs: I,
): O {
  requireAnswers(`${kind.token} ${kind.hostName(inputs)}`, session, readsOf(kind, inputs), results);
  return kind.parse(results, inputs);
}

/** A look that failed is an error: "gone" must be seen, not guessed. */
export function requireAnswers(name: string, session: Session, reads: Read[], results: Results): void {
  for (const read of reads) {
    const outcome = results.get(read.key);
    if (outcome && (read.ok ?? [0]).includes(outcome.exit)) continue;
    throw new HostError({
      code: "observation-failed",
      what: `cannot observe ${name}`,
      where: `${session.host}: ${quoteArgv(read.argv.map((a) => (a.includes("\n") ? "…" : a)))}`,
      why: outcome
        ? `exit code ${outcome.exit}\n${outcome.stderr.trim().split("\n").slice(-8).join("\n")}`
        : "it did not run",
      remedy: "make the command work in a root shell of the host; nothing was changed",
    });
  }
}
