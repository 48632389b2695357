import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { testLabDir } from "./lab.ts";
import { Stack } from "./stack.ts";

/** Goes with the lab host's disk (lab-setup.ts). */
export const keeperDir = join(testLabDir, "keeper");
const prepared = join(keeperDir, "prepared");

/**
 * Prepares the lab host by a stack that has no containers, once for all tests that ask for it: theirs are then not the last on the
 * host, and load no policy and restart no libvirt. It goes with the host.
 */
export async function keepHostPrepared(): Promise<void> {
  if (existsSync(prepared)) return;
  await mkdir(keeperDir, { recursive: true });
  const config = { "svirt-lxc:hosts": { lab: { ssh: "lab", sshConfig: ".lab-test/ssh_config" } } };
  const stack = await Stack.create("lab-keeper", config, { dir: keeperDir });
  const { ok, output } = await stack.up();
  if (!ok) throw new Error(output);
  await writeFile(prepared, "");
}
