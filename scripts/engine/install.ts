import { join } from "node:path";
import { cached, cachedAlready } from "../setup/cache.ts";
import { step } from "../setup/progress.ts";
import type { Source } from "./source.ts";
import { engineVersion } from "./version.ts";

const entry = { name: "engine", recipe: { installer: engineVersion } };
const site = "https://get.pulumi.com";

/** The engine by the official installer, of the version of our SDK. */
export const install: Source = {
  async present() {
    const dir = await cachedAlready(entry);
    return dir && join(dir, "bin/pulumi");
  },
  async make() {
    // Asked first, since the installer waits long where nothing answers.
    await fetch(site, { method: "HEAD", signal: AbortSignal.timeout(5000) }).catch(() => {
      throw new Error(`${site} does not answer`);
    });
    const dir = await cached({ ...entry, build: runInstaller });
    return join(dir, "bin/pulumi");
  },
};

async function runInstaller(root: string): Promise<void> {
  const { PulumiCommand } = await import("@pulumi/pulumi/automation/index.js");
  await step(`Pulumi engine ${engineVersion}: official installer`, () => PulumiCommand.install({ root }));
}
