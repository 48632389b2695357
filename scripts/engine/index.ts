import { dirname } from "node:path";
import { say } from "../setup/progress.ts";
import { build } from "./build.ts";
import { install } from "./install.ts";
import { path } from "./path.ts";
import type { Source } from "./source.ts";

/** Pulumi's command line, with its Node language host and its dynamic provider beside it. */
export interface Engine {
  pulumi: string;
  binDir: string;
  source: "path" | "install" | "build";
}

const sources: Record<Engine["source"], Source> = { path, install, build };

/** A fit engine: the user's own, else by the official installer, else built; SVIRT_LXC_ENGINE picks one way. */
export async function ensureEngine(): Promise<Engine> {
  const names = pickedSources();
  for (const name of names) {
    const pulumi = await sources[name].present();
    if (pulumi) return engine(name, pulumi);
  }
  for (const name of names) {
    try {
      return engine(name, await sources[name].make());
    } catch (error) {
      say(`· Pulumi engine, ${name}: ${(error as Error).message}`);
    }
  }
  throw new Error("There is no Pulumi engine, see above.");
}

function engine(source: Engine["source"], pulumi: string): Engine {
  return { pulumi, binDir: dirname(pulumi), source };
}

function pickedSources(): Engine["source"][] {
  const names = Object.keys(sources) as Engine["source"][];
  const picked = process.env.SVIRT_LXC_ENGINE;
  if (!picked) return names;
  const found = names.filter((name) => name === picked);
  if (found.length > 0) return found;
  throw new Error(`SVIRT_LXC_ENGINE is "${picked}", and should be one of ${names.join(", ")}, or unset`);
}
