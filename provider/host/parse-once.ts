import type { Outcome } from "./batch.ts";

/** A parser for what all resources of a host ask for: each outcome is parsed once. What it gives is shared, and is not to be changed. */
export function parseOnce<T extends object>(parse: (text: string) => T): (outcome: Outcome) => T {
  const parsed = new WeakMap<Outcome, T>();
  return (outcome) => {
    const found = parsed.get(outcome) ?? parse(outcome.stdout);
    parsed.set(outcome, found);
    return found;
  };
}
