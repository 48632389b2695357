import { z } from "zod";
import type { Failure } from "../engine/kind.ts";
import { apt } from "./apt.ts";
import { archive } from "./archive.ts";
import { dnf } from "./dnf.ts";
import { hostArchive } from "./host-archive.ts";
import { oci } from "./oci.ts";
import type { AnySource, Resolved } from "./source.ts";
import { url } from "./url.ts";

/** All sources, by the input of LxcImage that chooses one. */
const sources = { archive, hostArchive, url, apt, dnf, oci } as const;
type Name = keyof typeof sources;
const names = Object.keys(sources) as Name[];

type Inputs = { [K in Name]: (typeof sources)[K]["input"] };
type OptionalInputs = { [K in Name]: z.ZodOptional<Inputs[K]> };

/** The inputs of an image that say what it is made of: exactly one of the sources, and what goes with it. */
export const sourceInputs = {
  ...(Object.fromEntries(names.map((name) => [name, sources[name].input.optional()])) as unknown as OptionalInputs),
  /**
   * What names the image. Of a file on the workstation it is computed, and checked if it is given; of a file elsewhere it must be
   * given. Of a recipe (apt, dnf, oci) it is computed.
   */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hexadecimal digits")
    .optional(),
  /** Change it to have an image of packages built anew, of what the mirrors have then. Containers keep theirs. */
  rebuild: z.string().min(1).optional(),
};

/** The inputs without which the source cannot be told. */
export const sourceKeys = [...names, "sha256", "rebuild"] as const;

export type SourceInputs = z.output<z.ZodObject<typeof sourceInputs>>;

/** The source that the inputs choose, and its input. Call it only for inputs that resolve. */
export function sourceOf(inputs: SourceInputs): { source: AnySource; recipe: unknown } {
  const [name] = chosen(inputs);
  if (!name) throw new Error("an image without a source");
  return { source: sources[name], recipe: inputs[name] };
}

/** What names the image that the inputs describe, or what is wrong with them. */
export async function resolveSource(inputs: Partial<SourceInputs>, known: string | undefined): Promise<Resolved> {
  const [name, ...others] = chosen(inputs);
  if (!name) return failed(names[0]!, `say what the image is made of: one of ${names.join(", ")}`);
  if (others.length > 0)
    return failed(others[0]!, `there is ${name} already, and an image is made of one source: leave one of them out`);
  const source: AnySource = sources[name];
  const { rebuild, sha256 } = inputs;
  return source.resolve({ recipe: inputs[name], sha256, rebuild }, known);
}

function chosen(inputs: Partial<SourceInputs>): Name[] {
  return names.filter((name) => inputs[name] !== undefined);
}

function failed(property: string, reason: string): Resolved & { failures: Failure[] } {
  return { digest: undefined, failures: [{ property, reason }] };
}
