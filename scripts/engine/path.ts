import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { which } from "../setup/run.ts";
import type { Source } from "./source.ts";

// The first that takes its options from the environment as well, on which the lab's stack relies, is somewhat older.
const oldest = [3, 210];

/** The engine that the user has installed. */
export const path: Source = {
  async present() {
    const pulumi = await which("pulumi");
    if (!pulumi || !(await hasLanguageHost(pulumi))) return undefined;
    return isFit(await version(pulumi)) ? pulumi : undefined;
  },
  async make() {
    const pulumi = await which("pulumi");
    if (!pulumi) throw new Error("none on PATH");
    if (!(await hasLanguageHost(pulumi))) throw new Error(`${pulumi} has no pulumi-language-nodejs beside it`);
    throw new Error(`${pulumi} is ${await version(pulumi)}, older than ${oldest.join(".")}`);
  },
};

async function version(pulumi: string): Promise<string> {
  const env = { PULUMI_SKIP_UPDATE_CHECK: "true" };
  const { stdout } = await execa(pulumi, ["version"], { env, reject: false });
  return stdout.trim() || "broken";
}

function isFit(text: string): boolean {
  const [major = 0, minor = 0] = text.replace(/^v/, "").split(".").map(Number);
  return major === oldest[0] && minor >= oldest[1]!;
}

// It may be a link out of a folder of links; the engine itself looks beside what the link means.
async function hasLanguageHost(pulumi: string): Promise<boolean> {
  return existsSync(join(dirname(await realpath(pulumi)), "pulumi-language-nodejs"));
}
