import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { link, mkdir, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Engine } from "../engine/index.ts";
import { checkout } from "../setup/paths.ts";
import { nodeEnvironment } from "./node.ts";

/** Where this checkout keeps the state of its stacks, unless the user is logged in elsewhere (ignored by git). */
export const stateDir = join(checkout, ".pulumi-state");

/** Whether the user has a backend, so that ours must stay out of the way. */
export function hasOwnBackend(): boolean {
  if (process.env.PULUMI_BACKEND_URL || process.env.PULUMI_ACCESS_TOKEN) return true;
  const home = process.env.PULUMI_HOME || join(homedir(), ".pulumi");
  const credentials = join(process.env.PULUMI_CREDENTIALS_PATH || home, "credentials.json");
  if (!existsSync(credentials)) return false;
  try {
    return Boolean(JSON.parse(readFileSync(credentials, "utf8")).current);
  } catch {
    return true; // encrypted
  }
}

/** Environment variables for a child; undefined takes one of ours away. */
export type Environment = Record<string, string | undefined>;

/** The environment in which the engine works on a backend: the user's, or a folder of ours with a generated passphrase. */
export async function pulumiEnvironment(engine: Engine, folder?: string): Promise<Environment> {
  const environment: Environment = {
    PULUMI_SKIP_UPDATE_CHECK: "true",
    ...nodeEnvironment(),
    PATH: [engine.binDir, join(checkout, "node_modules/.bin"), process.env.PATH].join(delimiter),
  };
  // A plugin that cannot be downloaded costs a minute of trying, and who had to build the engine cannot download.
  if (engine.source === "build") environment.PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION = "true";
  return folder ? { ...environment, ...(await ownBackend(folder)) } : environment;
}

async function ownBackend(folder: string): Promise<Environment> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const passphrase = join(folder, "passphrase");
  if (!existsSync(passphrase)) await makePassphrase(passphrase);
  return {
    PULUMI_BACKEND_URL: pathToFileURL(folder).href,
    PULUMI_CONFIG_PASSPHRASE: undefined, // it would win over the file
    PULUMI_CONFIG_PASSPHRASE_FILE: passphrase,
    PULUMI_HOME: join(folder, "home"), // nothing of the user's own Pulumi is touched
  };
}

/** It appears whole or not at all, and once: secrets that were encrypted with another one, or with none, would be lost. */
async function makePassphrase(file: string): Promise<void> {
  const own = `${file}.${process.pid}`;
  await writeFile(own, randomBytes(24).toString("base64url"), { mode: 0o600, flush: true });
  await link(own, file).catch((error) => {
    if (error.code !== "EEXIST") throw error;
  });
  await rm(own);
}
