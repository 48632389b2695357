import { join } from "node:path";
import { execa } from "execa";
import { main } from "./setup/main.ts";
import { checkout } from "./setup/paths.ts";

/** Format, lint and types of everything. */
await main(async () => {
  const options = { cwd: checkout, stdio: "inherit", reject: false } as const;
  const bin = (name: string) => join(checkout, "node_modules/.bin", name);
  const [lint, types] = await Promise.all([
    execa(bin("biome"), ["check", "."], options),
    execa(bin("tsc"), [], options),
  ]);
  return lint.failed || types.failed ? 1 : 0; // one that was killed, or never started, has no exit code
});
