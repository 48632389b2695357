import { isDeepStrictEqual } from "node:util";
import { nameOf } from "./stack.ts";

export type Verb = "create" | "update" | "replace" | "delete";

/** What was done to a resource, or announced. */
export interface Operation {
  verb: Verb;
  /** The properties that it was done for, as the engine names them. */
  properties: string[];
}

/** What an event log says of our resources, and of commands; their components and those that stay as they are left out. */
export function operationsOf(lines: string[]): { operations: Record<string, Operation>; order: string[] } {
  const operations: Record<string, Operation> = {};
  const order: string[] = [];
  for (const line of lines) {
    const event = JSON.parse(line);
    const { metadata } = event.resourcePreEvent ?? {};
    if (!/dynamic\/svirt-lxc:|^command:/.test(metadata?.type)) continue;
    const verb = verbOf(metadata.op);
    if (!verb) continue;
    const name = nameOf(metadata.urn);
    order.push(`${metadata.op} ${name}`);
    const known = operations[name];
    const properties = [...changed(metadata.old?.inputs, metadata.new?.inputs), ...(metadata.diffs ?? [])];
    operations[name] = {
      verb: known?.verb === "replace" ? "replace" : verb,
      properties: [...new Set([...(known?.properties ?? []), ...properties])].sort(),
    };
  }
  return { operations, order };
}

/** The inputs that differ, as a preview shows them: what the host was like against what is wanted. */
function changed(was: Record<string, unknown> = {}, wanted: Record<string, unknown> = {}): string[] {
  return Object.keys({ ...was, ...wanted }).filter((key) => !isDeepStrictEqual(was[key], wanted[key]));
}

// A replacement is told in parts: create-replacement, replace, delete-replaced.
function verbOf(op: string): Verb | undefined {
  if (/replace/.test(op)) return "replace";
  return (["create", "update", "delete"] as const).find((verb) => verb === op);
}
