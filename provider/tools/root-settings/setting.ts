import type { z } from "zod";
import type { Step, StepName } from "../../host/batch.ts";
import type { IdMap } from "../../host/slot.ts";
import { mountedRoot } from "../root-mount.ts";
import { insideRoot } from "../userns.ts";

/** What a look at a root has told. Paths are relative to the root. */
export interface Look {
  /** The lines of a file; undefined if there is none, or an empty one. */
  file(path: string): string[] | undefined;
  /** What followed a word at the begin of a line: `WORD:text`. */
  told(word: string): string[];
  /** Units that something in etc/systemd/system wants, by their own name or an alias. */
  enabled: ReadonlySet<string>;
  masked: readonly string[];
}

/** The root that is written to. */
export interface Target {
  name: string;
  idmap: IdMap;
}

/** What was asked for and written until now, as the root's record has it. */
export interface Written {
  units: readonly string[];
  masks: readonly string[];
  seeded: Seeded;
}

/** What was written into a root once, when it was made or when what follows from the declaration changed; edits inside stay. */
export interface Seeded {
  /** What must be unique was made by us, whatever the image brought. */
  identity?: boolean;
  /** The line of etc/hosts for the own name. */
  hosts?: string;
  /** The text of etc/resolv.conf. */
  resolver?: string;
}

/**
 * A setting of a root: its inputs, how it is read back, and how it is made as wanted. `I` are the inputs of the root that it
 * knows, `F` what is found; nothing was found of a root that is not mounted yet.
 */
export interface Setting<I, F extends object> {
  /** The inputs of its own, with their meaning and default. */
  inputs: Readonly<Record<string, z.ZodType>>;
  /** Files that a look tells of. */
  files?: readonly string[];
  /** Links whose targets a look tells, as `link:PATH TARGET`. */
  links?: readonly string[];
  /** What a look runs besides, in the folder of the root: sh, after the functions of paths.ts. It prints lines `WORD:text`. */
  look?: string;
  found(look: Look): F;
  /** None if it is as wanted. */
  steps(target: Target, found: Partial<F>, inputs: I, written: Written): Step[];
  /** The inputs as they are found: a refresh names those that differ. */
  actual(found: F, inputs: I, written: Written): Partial<I>;
}

/** A step that runs a command in the folder of a root, as root of its users. */
export function insideStep(target: Target, step: StepName, argv: string[], stdin?: string): Step {
  const command = insideRoot(mountedRoot(target.name), target.idmap, argv);
  return { ...step, argv: command, ...(stdin === undefined ? {} : { stdin }) };
}

/** systemctl(1) on the units of a root. */
export function systemctl({ name }: Target, ...args: string[]): string[] {
  return ["systemctl", `--root=${mountedRoot(name)}`, ...args];
}

/** systemd-firstboot(1) on a root, whatever is set there. */
export function firstboot({ name }: Target): string[] {
  return ["systemd-firstboot", `--root=${mountedRoot(name)}`, "--force"];
}

/** What is in one list only; names of units and the like. */
export function without<T>(list: readonly T[], others: readonly T[]): T[] {
  return list.filter((item) => !others.includes(item));
}
