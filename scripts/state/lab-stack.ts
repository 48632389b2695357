import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkout } from "../setup/paths.ts";
import { stateDir } from "./environment.ts";
import type { Pulumi } from "./pulumi.ts";
import { stackOf } from "./stack-of.ts";

/** The stack of the throwaway lab host. */
export const labStack = "lab";

// Pulumi writes a stack's encryption salt and secrets into its configuration file. Pulumi.lab.yaml is tracked by git, while
// the lab's passphrase and passwords are made anew in each checkout; so the engine works on a copy, in a folder that looks to
// it like a project of the same name, because not all of its commands can be told another file.
const folder = join(stateDir, labStack);
const tracked = join(checkout, "Pulumi.lab.yaml");
const working = join(folder, "Pulumi.lab.yaml");
const copied = join(folder, "copied.yaml");
const passwordKey = "svirt-lxc:webRootPassword";

/** What makes the engine read the lab's configuration from the working copy. */
export const labEnvironment = {
  PULUMI_OPTION_CONFIG_FILE: working,
  // the salt is in the state as well: a working copy made anew finds it there
  PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
  // `stack rm` would remove Pulumi.lab.yaml
  PULUMI_OPTION_PRESERVE_CONFIG: "true",
};

/** Brings the working copy up to date with Pulumi.lab.yaml, keeping what was set in it, such as the generated password. */
export async function refreshLabConfiguration(pulumi: Pulumi): Promise<void> {
  const text = await readFile(tracked, "utf8");
  if (existsSync(copied) && (await readFile(copied, "utf8")) === text) return;
  const next = join(folder, "next.yaml");
  const config = (file: string, args: string[], input?: string) => {
    const env = { ...labEnvironment, PULUMI_OPTION_CONFIG_FILE: file };
    return pulumi.run(["config", ...args, "--stack", labStack], { cwd: folder, env, input });
  };
  const read = async (file: string): Promise<Record<string, { value: string; secret: boolean }>> =>
    existsSync(file) ? JSON.parse(await config(file, ["--json", "--show-secrets"])) : {};

  await writeFile(next, text);
  const [now, before, all] = [await read(next), await read(copied), await read(working)];
  const password = { value: randomBytes(15).toString("base64url"), secret: true };
  for (const [key, { value, secret }] of Object.entries({ [passwordKey]: password, ...all })) {
    if (key in now || key in before) continue;
    await config(next, ["set", secret ? "--secret" : "--plaintext", key], value);
  }
  await rename(next, working);
  await writeFile(copied, text); // last: a run that was killed half-way does it again
}

/** The lab's stack, created if there is none, with its configuration. */
export async function ensureLabStack(pulumi: Pulumi): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "Pulumi.yaml"), "name: svirt-lxc\nruntime: nodejs\n");
  await pulumi.run(["stack", "select", "--create", labStack], { cwd: folder });
  await refreshLabConfiguration(pulumi);
  // For commands that name no stack.
  if (!(await stackOf([], pulumi))) await pulumi.run(["stack", "select", labStack], { env: labEnvironment });
}

/** Whether this checkout has worked on the lab's stack. */
export const hasLabStack = () => existsSync(copied);
