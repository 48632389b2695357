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

/** Why a path of the host is refused. */
export const HIDDEN =
  "lies where a build does not see it (/home, /root, /run/user, /tmp, /var/tmp): put it elsewhere, such as below /srv";

/** Whether a path of the host is kept from builds, which run what packages bring (tools/build-unit.ts). */
export function isHidden(path: string): boolean {
  return /^\/(home|root|run\/user|tmp|var\/tmp)(\/|$)/.test(path);
}

/** The address of a mirror. */
export const mirrorSchema = z
  .string()
  .regex(/^(https?|file):\/\/[^\s'"$`\\[\]]+$/, "must be an address such as https://mirror.example/debian")
  .refine((address) => !isHidden(address.replace(/^file:\/\//, "")), HIDDEN);

/** A file of the host. */
export const hostFileSchema = z
  .string()
  .regex(/^\/[^\s'"$`\\[\]]+$/, "must be an absolute path on the host")
  .refine((path) => !isHidden(path), HIDDEN);

/** What the host needs to know who answers at these addresses: no package of the tools requires it. */
export function certificatesFor(addresses: readonly string[]): string[] {
  return addresses.some((address) => /^(https|docker):/.test(address)) ? ["ca-certificates"] : [];
}

/** What names an image that is made of a recipe: the recipe itself. What the mirrors have on a day plays no part. */
export function resolveRecipe(source: string, { recipe, rebuild, sha256 }: Wanted<unknown>): Resolved {
  const digest = digestOf(JSON.stringify([source, recipe, rebuild ?? null]));
  const isOther = sha256 !== undefined && sha256 !== digest;
  const reason = `is computed of ${source}: leave it out`;
  return { digest, failures: isOther ? [{ property: "sha256", reason }] : [] };
}
