import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import type { CommonInputs, Failure, Kind } from "./kind.ts";

/** What Pulumi passes for a value that is only known after the resources it depends on were made. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** What it passes for values of other types: nothing of the kind may come from a host (sdk/go/common/resource/plugin/rpc.go). */
const RESERVED = new Set([
  UNKNOWN,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/**
 * Properties as Pulumi takes them from a provider. It refuses undefined, after the side effects; and a text that means something
 * to it, which a container may have for its host name, would end every operation of the stack.
 */
export function toPulumiProperties(properties: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(properties), (_, value) => (RESERVED.has(value) ? "(reserved by Pulumi)" : value));
}

/** Is any part of the value unknown? */
export function isUnknown(value: unknown): boolean {
  if (value === UNKNOWN) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(isUnknown);
}

/** Are two property values the same to Pulumi, to which an undefined property is an absent one? */
export function equalAsJson(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(normal(a), normal(b));
}

function normal(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** Fills in every default and collects what is wrong; unknown inputs pass as they are. `olds` are the inputs of the state. */
export async function check<I extends CommonInputs>(
  kind: Kind<I, object, object>,
  news: Record<string, unknown>,
  olds: Record<string, unknown> = {},
): Promise<{ inputs: Record<string, unknown>; failures: Failure[] }> {
  const shape = kind.schema.shape as Record<string, z.ZodType>;
  const failures: Failure[] = [];
  const known: Record<string, unknown> = {};
  const unknown: Record<string, unknown> = {};

  for (const [key, type] of Object.entries(shape)) {
    if (isUnknown(news[key])) {
      unknown[key] = news[key];
      continue;
    }
    const parsed = type.safeParse(news[key]);
    if (!parsed.success)
      failures.push(...parsed.error.issues.map((i) => ({ property: path([key, ...i.path]), reason: reasonOf(i) })));
    else if (parsed.data !== undefined) known[key] = parsed.data;
  }
  for (const key of Object.keys(news)) {
    if (Object.hasOwn(shape, key) || key === "__provider" || news[key] === undefined) continue;
    failures.push({ property: key, reason: `unknown property; ${kind.token} has ${Object.keys(shape).join(", ")}` });
  }
  // What depends on unknown inputs cannot be judged yet; check is called again when they are known.
  if (failures.length > 0 || !kind.resolve || kind.resolve.needs.some((key) => key in unknown))
    return { inputs: { ...known, ...unknown }, failures };
  const resolved = await kind.resolve.run(known as Partial<I>, olds as Partial<I>);
  return { inputs: { ...resolved.inputs, ...unknown }, failures: resolved.failures };
}

/** What is wrong; of a name that a property may not have, why. */
function reasonOf(issue: z.core.$ZodIssue): string {
  return issue.code === "invalid_key" ? issue.issues.map((inner) => inner.message).join(", ") : issue.message;
}

/** A property path as Pulumi writes it: `keys[0].name`. */
export function path(segments: readonly PropertyKey[]): string {
  return segments.map((s, i) => (typeof s === "number" ? `[${s}]` : `${i === 0 ? "" : "."}${String(s)}`)).join("");
}
