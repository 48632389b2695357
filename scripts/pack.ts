import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { main } from "./setup/main.ts";
import { checkout } from "./setup/paths.ts";

/**
 * Makes the package that is published, svirt-lxc-VERSION.tgz, in the checkout or in the folder that is given, and prints its
 * name: compiled JavaScript with declarations, since Node strips no types below node_modules.
 */
await main(async () => {
  const dist = join(checkout, "dist");
  const run = (command: string, ...args: string[]) => execa(command, args, { cwd: checkout, stdio: "inherit" });
  await rm(dist, { recursive: true, force: true });
  await run(join(checkout, "node_modules/.bin/tsc"), "-p", "tsconfig.build.json");
  await mkdir(join(dist, "provider/policy"));
  const beside = ["provider/policy/svirt_lxc.cil", "provider/attacks/prelude.pl", "provider/attacks/target.pl"];
  for (const file of [...beside, "README.md", "LICENSE"]) await copyFile(join(checkout, file), join(dist, file));
  const manifest = JSON.parse(await readFile(join(checkout, "package.json"), "utf8"));
  await writeFile(join(dist, "package.json"), `${JSON.stringify(published(manifest), null, 2)}\n`);
  await run("npm", "pack", "--silent", "--pack-destination", process.argv[2] ?? checkout, dist);
  return 0;
});

/** The manifest without what only this checkout needs, and with what was compiled. */
function published({ scripts, devDependencies, allowScripts, main, exports, ...manifest }: Record<string, unknown>) {
  return {
    ...manifest,
    exports: {
      ".": { types: "./index.d.ts", default: "./index.js" },
      "./provider": "./provider/index.js",
    },
    bin: { "svirt-lxc-audit": "./provider/bin/audit.js" },
    // For programs whose TypeScript knows no exports (moduleResolution: node).
    types: "./index.d.ts",
  };
}
