import { z } from "zod";
import type { CommonInputs, Kind } from "../../provider/engine/kind.ts";
import type { Step } from "../../provider/host/batch.ts";
import { connectionSchema } from "../../provider/host/connection.ts";

export interface ThingsInputs extends CommonInputs {
  things: string[];
}

/** What is there; the outputs tell how many. */
export interface ThingsObserved {
  there: string[];
  host?: { big: string };
}

export type Things = Kind<ThingsInputs, ThingsObserved, { count: number }>;

export const inputs = (...things: string[]): ThingsInputs => ({
  connection: { ssh: "fake" },
  owner: "p/s/Things/a",
  things,
});

export const add = (name: string): Step => ({ id: "add", subject: name, title: `Adding ${name}`, argv: ["add", name] });
export const remove = (name: string): Step => ({
  id: "remove",
  subject: name,
  title: `Removing ${name}`,
  argv: ["remove", name],
});

/** The smallest kind: it makes true that things are there. Tests change what they need. */
export function things(change: Partial<Things> = {}): Things {
  return {
    token: "Things",
    schema: z.strictObject({ connection: connectionSchema, owner: z.string(), things: z.array(z.string()) }),
    reads: () => [{ key: "things", argv: ["list", "things"] }],
    hostName: () => "a",
    parse: (results) => ({
      there: results.get("things")!.stdout.split("\n").filter(Boolean),
      host: { big: "not for state" },
    }),
    exists: ({ there }) => there.length > 0,
    id: () => "things",
    plan: ({ there }, { things }) => things.filter((t) => !there.includes(t)).map(add),
    remove: ({ there }, { things }) => things.filter((t) => there.includes(t)).map(remove),
    outputs: ({ there }) => ({ count: there.length }),
    actualInputs: ({ there }, { things }) => ({ things: things.filter((t) => there.includes(t)) }),
    replaces: [],
    ...change,
  };
}
