import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { cached, cachedAlready } from "../setup/cache.ts";
import { step } from "../setup/progress.ts";
import { run, which } from "../setup/run.ts";
import type { Source } from "./source.ts";
import { engineVersion } from "./version.ts";

const module = "github.com/pulumi/pulumi";
const flags = `-s -w -X ${module}/sdk/v3/go/common/version.Version=v${engineVersion}`;

// The language host has moved to a module that the Go proxy does not carry: 3.68.0 is the last release of the SDK's module
// that has it. It speaks the same protocol, and runs today's SDK.
const programs = [
  {
    name: "pulumi",
    main: `${module}/pkg/v3/cmd/pulumi`,
    require: [`${module}/pkg/v3 v${engineVersion}`, `${module}/sdk/v3 v${engineVersion}`],
    // as in the engine's own go.mod, whose replacements do not count for those who require it
    replace: "github.com/atotto/clipboard => github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e",
  },
  {
    name: "pulumi-language-nodejs",
    main: `${module}/sdk/v3/nodejs/cmd/pulumi-language-nodejs`,
    require: [`${module}/sdk/v3 v3.68.0`],
  },
];
// Older ones do not fetch the toolchain that a module asks for.
const oldestGo = "1.21 or newer";
const entry = { name: "engine", recipe: { programs, flags } };

/** The engine built from its published Go modules. */
export const build: Source = {
  async present() {
    const dir = await cachedAlready(entry);
    return dir && join(dir, "bin/pulumi");
  },
  async make() {
    if (!(await which("go"))) throw new Error(`building it takes Go ${oldestGo}, and there is no go on PATH`);
    const { stdout: go } = await execa("go", ["env", "GOVERSION"], { reject: false });
    const [, minor] = /^go1\.(\d+)/.exec(go) ?? [];
    if (Number(minor) < 21) throw new Error(`building it takes Go ${oldestGo}, and the one on PATH is ${go}`);
    const dir = await cached({ ...entry, build: buildPrograms });
    return join(dir, "bin/pulumi");
  },
};

async function buildPrograms(dir: string): Promise<void> {
  const bin = join(dir, "bin");
  await mkdir(bin);
  await step(`Pulumi engine ${engineVersion}: build from Go modules (minutes)`, async () => {
    for (const program of programs) await buildProgram(join(dir, program.name), program, bin);
  });
  // Looked for beside the command line. It is a script that finds the SDK of the program at hand, so one serves all checkouts.
  const sdk = dirname(createRequire(import.meta.url).resolve("@pulumi/pulumi/package.json"));
  await copyFile(join(sdk, "pulumi-resource-pulumi-nodejs"), join(bin, "pulumi-resource-pulumi-nodejs"));
}

async function buildProgram(dir: string, { name, main, require, replace }: (typeof programs)[number], bin: string) {
  const lines = ["module engine", "go 1.25", ...require.map((line) => `require ${line}`)];
  if (replace) lines.push(`replace ${replace}`);
  await mkdir(dir);
  await writeFile(join(dir, "go.mod"), `${lines.join("\n")}\n`);
  const env = { GOFLAGS: "-mod=mod -trimpath -buildvcs=false", GOWORK: "off", CGO_ENABLED: "0" };
  await run("go", ["build", "-ldflags", flags, "-o", join(bin, name), main], { cwd: dir, env });
}
