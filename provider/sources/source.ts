import type { z } from "zod";
import type { Failure } from "../engine/kind.ts";
import type { Step } from "../host/batch.ts";

/** Where a root file system comes from, as it is asked for. */
export interface Wanted<T> {
  /** The source's own input. */
  recipe: T;
  /** The input of this name: the sha256 that an archive must have. */
  sha256?: string;
  /** The input of this name: it tells two images of one recipe apart. */
  rebuild?: string;
}

/** What the workstation can tell of an image before any host is asked. */
export interface Resolved {
  /** What names the image: two with the same digest are the same. Undefined if it cannot be told. */
  digest: string | undefined;
  failures: Failure[];
}

/**
 * A source of images: its input, what makes two images the same, and how it fills a folder of the host. To check that folder and
 * to put it in place is common to all of them. A new source is a file with one of these, and a line in the list of index.ts.
 */
export interface Source<T> {
  input: z.ZodType<T>;
  /** What makes two images the same. `known` is the digest in the state: what was checked then need not be checked again. */
  resolve(wanted: Wanted<T>, known: string | undefined): Promise<Resolved> | Resolved;
  /** What the host needs for it: names of programs, or of packages that each family has under the same name. */
  needs(recipe: T): readonly string[];
  /** Fills STAGING/root, checked, outside of the host's lock; what was installed is listed in STAGING/packages. */
  fill(recipe: T, digest: string, staging: string): Step;
}

/** A source whose input may be anything: for lists. */
// biome-ignore lint/suspicious/noExplicitAny: sources of different inputs stand in one list
export type AnySource = Source<any>;
