import type { Read } from "../host/batch.ts";
import type { Connection } from "../host/connection.ts";
import { stackIdOf } from "../host/owner.ts";
import type { Session } from "../host/session.ts";
import { removeResource } from "./converge.ts";
import type { AnyKind, CommonInputs } from "./kind.ts";
import { requireAnswers, uniqueReads } from "./observe.ts";

/**
 * Removes what carries a stack's ID on a host, in the reverse order of making: what an operation made that was killed before
 * the engine heard of it. `kinds` are in the order of making. A stack that declares a host twice, or under another name, has
 * another ID there.
 */
export async function removeOrphans(
  kinds: readonly AnyKind[],
  session: Session,
  connection: Connection,
  stackId: string,
): Promise<void> {
  const { results } = await session.observe(readsOfAll(kinds), `orphans of stack ${stackId}`);
  const ofStack = (kind: AnyKind): CommonInputs[] => {
    requireAnswers(kind.token, session, kind.reads("*"), results);
    const inputs = (kind.listOwned?.(results) ?? []).map((one) => ({ ...one, connection }) as CommonInputs);
    return inputs.filter((one) => stackIdOf(one.owner) === stackId);
  };
  for (const kind of kinds.toReversed()) {
    const removals = ofStack(kind).map((inputs) => removeResource(kind, session, inputs));
    // None goes on unheard of.
    const failed = (await Promise.allSettled(removals)).find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
  }
}

/** All looks of all kinds, each once. */
export function readsOfAll(kinds: readonly AnyKind[]): Read[] {
  return uniqueReads(kinds.flatMap((kind) => kind.reads("*")));
}
