import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkout } from "../../scripts/setup/paths.ts";
import { testLabDir } from "./lab.ts";
import { Stack, type StackOptions } from "./stack.ts";

/** Goes with the lab host's disk (lab-setup.ts). */
export const keeperDir = join(testLabDir, "keeper");

/**
 * Prepares the lab host by a stack that has no containers, once for all tests that ask for it: theirs are then not the last on the
 * host, and load no policy and restart no libvirt. It goes with the host.
 */
export async function keepHostPrepared(): Promise<void> {
  await keep("lab-keeper", { "svirt-lxc:hosts": { lab: { ssh: "lab", sshConfig: ".lab-test/ssh_config" } } });
}

/** The same with the policy alone, which takes longest: for tests whose network is another one, or is to be gone with them. */
export async function keepPolicyLoaded(): Promise<void> {
  const connection = { ssh: "lab", sshConfig: join(testLabDir, "ssh_config") };
  const project = join(checkout, "test/lab/programs/policy");
  await keep("lab-policy-keeper", { "only-policy:connection": connection }, { project });
}

async function keep(name: string, config: object, options: Partial<StackOptions> = {}): Promise<void> {
  const kept = join(keeperDir, name);
  if (existsSync(kept)) return;
  await mkdir(keeperDir, { recursive: true });
  const stack = await Stack.create(name, config, { dir: keeperDir, ...options });
  const { ok, output } = await stack.up();
  if (!ok) throw new Error(output);
  await writeFile(kept, "");
}
