import { join } from "node:path";
import { cacheDir } from "../setup/paths.ts";

/** Of what is collected soonest, in MiB. By itself, V8 lets it grow to many times that on a machine with much memory. */
const YOUNG = 8;

/**
 * The variables of Node for the engine's children: a half of what an engine's command takes is Node reading Pulumi's SDK,
 * in the program and in each provider, so what it compiled is kept.
 */
export function nodeEnvironment(): Record<"NODE_COMPILE_CACHE" | "NODE_OPTIONS", string> {
  const preload = join(import.meta.dirname, "node-preload.cjs");
  return {
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(cacheDir(), "node"),
    NODE_OPTIONS: [`--max-semi-space-size=${YOUNG}`, process.env.NODE_OPTIONS, `--require ${JSON.stringify(preload)}`]
      .filter(Boolean)
      .join(" "),
  };
}
