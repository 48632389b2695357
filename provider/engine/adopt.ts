import type { Problem } from "../host/errors.ts";
import { withoutId } from "../host/owner.ts";
import { equalAsJson } from "./check.ts";
import type { CommonInputs, ExistingObject, Kind } from "./kind.ts";

/** Why a resource must not be made: what has its name is someone else's, or the host cannot. */
export function checkPreconditions<I extends CommonInputs, O extends object>(
  kind: Kind<I, O, object>,
  observed: O,
  desired: I,
  prior?: I,
): Problem | undefined {
  return checkExisting(kind, observed, desired, prior) ?? kind.precondition?.(observed, desired, prior);
}

/**
 * Why what has the name of a resource keeps it from being made. Of someone else's thing, only one that is what is declared may
 * be taken over, and only where the program says so (`adopt: true`).
 */
export function checkExisting<I extends CommonInputs, O extends object>(
  kind: Kind<I, O, object>,
  observed: O,
  desired: I,
  prior?: I,
): Problem | undefined {
  const existing = kind.existing?.(observed, desired);
  const isOurs = existing?.owner !== undefined && [desired.owner, prior?.owner].includes(existing.owner);
  return existing && !isOurs ? foreign(existing, desired) : undefined;
}

function foreign({ what, owner, differences }: ExistingObject, desired: CommonInputs): Problem | undefined {
  const { adopt = false } = desired;
  const isNamesake = owner !== undefined && withoutId(owner) === withoutId(desired.owner);
  const whose =
    owner === undefined
      ? "it does not carry our mark"
      : `it belongs to ${owner}${isNamesake ? ": another stack of this name, or this one before its state was lost" : ""}`;
  if (!adopt) {
    return {
      code: "not-ours",
      what: `${what} already, and it is not ours`,
      why: whose,
      remedy:
        "choose another name, remove it where it was made, or take it over with adopt: true if it is what you declare",
    };
  }
  const unlike = differences();
  if (unlike.length === 0) return undefined;
  return {
    code: "not-adoptable",
    what: `${what} already, and it cannot be adopted: it is not what is declared`,
    why: `${whose}\n${unlike.join("\n")}`,
    remedy: "declare it as it is and change it afterwards, or choose another name",
  };
}

/** How what is there differs from what is declared, a line each property that `there` has. */
export function differences(there: object, declared: object): string[] {
  const wanted = declared as Record<string, unknown>;
  return Object.entries(there)
    .filter(([key, value]) => !equalAsJson(value, wanted[key]))
    .map(([key, value]) => `${key}: ${shown(value)} on the host, ${shown(wanted[key])} declared`);
}

function shown(value: unknown): string {
  return value === undefined ? "none" : JSON.stringify(value);
}
