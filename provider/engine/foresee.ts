import { HostError } from "../host/errors.ts";
import { type Session, sessionOf } from "../host/session.ts";
import { checkExisting } from "./adopt.ts";
import { isUnknown } from "./check.ts";
import type { AnyKind, CommonInputs, Failure, Kind } from "./kind.ts";
import { observed } from "./observe.ts";
import { readsOfAll } from "./remove-orphans.ts";

/**
 * Tells in a preview that the name of a resource to be made is taken. Pulumi calls `check` of it in another process than the
 * refresh, so that the host is looked at once more: only a host that the state knows, and only before this process has done
 * anything there. What cannot be told stays quiet: that an image is missing may be since the same program makes it.
 */
export async function foresee<I extends CommonInputs, O extends object>(
  kind: Kind<I, O, object>,
  kinds: readonly AnyKind[],
  inputs: I,
): Promise<Failure[]> {
  const { connection, owner, machineId, adopt } = inputs;
  const [called] = kind.replaces; // the first one is what it is called on the host
  if (!called || !kind.existing || machineId === undefined || adopt) return [];
  if ([connection, owner, machineId, inputs[called]].some(isUnknown)) return [];
  const session = sessionOf(connection);
  if (session.hasActed) return [];
  const o = await look(kind, kinds, session, inputs).catch(() => undefined);
  const problem = o && checkExisting(kind, o, inputs);
  return problem ? [{ property: called, reason: new HostError(problem).message }] : [];
}

async function look<I extends CommonInputs, O extends object>(
  kind: Kind<I, O, object>,
  kinds: readonly AnyKind[],
  session: Session,
  inputs: I,
): Promise<O> {
  session.expect(inputs.machineId);
  return observed(kind, session, await session.snapshot(readsOfAll(kinds)), inputs);
}
