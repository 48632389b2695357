import type { Session } from "../host/session.ts";
import { removeResource } from "./converge.ts";
import type { AnyKind, CommonInputs } from "./kind.ts";
import { requireAnswers } from "./observe.ts";

/**
 * Removes what carries a stack's name on a host, in the reverse order of making: what an operation made that was killed before
 * the engine heard of it. `kinds` are in the order of making.
 */
export async function removeOrphans(
  kinds: readonly AnyKind[],
  session: Session,
  { connection, owner }: CommonInputs,
): Promise<void> {
  const stack = stackOf(owner);
  const { results } = await session.observe(uniqueReads(kinds), `orphans of ${stack}`);
  const ofStack = (kind: AnyKind): CommonInputs[] => {
    requireAnswers(kind.token, session, kind.reads("*"), results);
    const inputs = (kind.listOwned?.(results) ?? []).map((one) => ({ ...one, connection }) as CommonInputs);
    return inputs.filter((one) => stackOf(one.owner) === stack);
  };
  const [last, others] = [kinds.filter((kind) => kind.removesOrphans), kinds.filter((kind) => !kind.removesOrphans)];
  // Under another name the stack is still here: a host was renamed in the program, or is declared twice.
  if (last.flatMap(ofStack).some((inputs) => inputs.owner !== owner)) return;

  for (const kind of others.toReversed()) {
    for (const inputs of ofStack(kind)) await removeResource(kind, session, inputs);
  }
}

/** All looks of all kinds, each once. */
export function uniqueReads(kinds: readonly AnyKind[]) {
  return [...new Map(kinds.flatMap((kind) => kind.reads("*")).map((read) => [read.key, read])).values()];
}

/** project/stack of project/stack/kind/name. */
function stackOf(owner: string): string {
  return owner.split("/").slice(0, 2).join("/");
}
