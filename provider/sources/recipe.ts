import { z } from "zod";
import { sha256 as digestOf } from "../host/digest.ts";
import type { Resolved, Wanted } from "./source.ts";

/** The names of packages: no word that a package manager or a shell takes for something else (deb-control(5), rpm's spec file). */
export const packagesSchema = z
  .array(
    z
      .string()
      .regex(
        /^[A-Za-z0-9][A-Za-z0-9+._~^:-]*$/,
        "must be the name of a package: letters, digits and + . _ ~ ^ : -, the first of them a letter or a digit",
      ),
  )
  .min(1, "must name a package, or be left out")
  .transform((names) => [...new Set(names)].sort());

/** The address of a mirror. */
export const mirrorSchema = z
  .string()
  .regex(/^(https?|file):\/\/[^\s'"$`\\[\]]+$/, "must be an address such as https://mirror.example/debian");

/** A file of the host. */
export const hostFileSchema = z.string().regex(/^\/[^\s'"$`\\[\]]+$/, "must be an absolute path on the host");

/** What names an image that is made of a recipe: the recipe itself. What the mirrors have on a day plays no part. */
export function resolveRecipe(source: string, { recipe, rebuild, sha256 }: Wanted<unknown>): Resolved {
  const digest = digestOf(JSON.stringify([source, recipe, rebuild ?? null]));
  const isOther = sha256 !== undefined && sha256 !== digest;
  const reason = `is computed of ${source}: leave it out`;
  return { digest, failures: isOther ? [{ property: "sha256", reason }] : [] };
}
