import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkout } from "../../scripts/setup/paths.ts";
import { testLabDir } from "./lab.ts";
import { Stack } from "./stack.ts";

/** Goes with the lab host's disk (lab-setup.ts). */
export const keeperDir = join(testLabDir, "keeper");

/**
 * Prepares the lab host by a stack that has no containers, once for all tests that ask for it: theirs are then not the last on the
 * host, load no policy, restart no libvirt and upload no image. It goes with the host.
 */
export async function keepHostPrepared(): Promise<void> {
  await keep("lab-keeper", {});
}

/** The same with the policy and the image alone, which take longest: for tests whose network is another one, or is to be gone with them. */
export async function keepPolicyLoaded(): Promise<void> {
  await keep("lab-policy-keeper", { "kept:policyAlone": "true" });
}

async function keep(name: string, config: object): Promise<void> {
  const kept = join(keeperDir, name);
  if (existsSync(kept)) return;
  await mkdir(keeperDir, { recursive: true });
  const common = {
    "kept:connection": { ssh: "lab", sshConfig: join(testLabDir, "ssh_config") },
    "kept:archive": join(testLabDir, "base.tar"),
  };
  const project = join(checkout, "test/lab/programs/kept");
  const stack = await Stack.create(name, { ...common, ...config }, { dir: keeperDir, project });
  const { ok, output } = await stack.up();
  if (!ok) throw new Error(output);
  await writeFile(kept, "");
}
