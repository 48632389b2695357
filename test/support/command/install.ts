import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Puts what plays the plugin of @pulumi/command into a folder that is on the PATH of the engine. */
export async function installCommandPlugin(bin: string): Promise<void> {
  const plugin = join(import.meta.dirname, "plugin.ts");
  const script = `#!/bin/sh\nexec node --no-warnings ${JSON.stringify(plugin)} "$@"\n`;
  await writeFile(join(bin, "pulumi-resource-command"), script, { mode: 0o755 });
}
