import { rm } from "node:fs/promises";
import { ensureArchives } from "../../lab/base.ts";
import { startLab } from "../../lab/index.ts";
import { ensureEngine } from "../../scripts/engine/index.ts";
import { ensurePackages } from "../../scripts/setup/packages.ts";
import { keepBootDenials, testLabDir } from "./lab.ts";
import { keeperDir } from "./lab-keeper.ts";

/** Before the lab tests: the engine, and a fresh lab host that goes when this process goes. */
export default async function setUp(): Promise<void> {
  const engine = ensureEngine();
  await ensurePackages();
  await ensureArchives(testLabDir);
  await rm(keeperDir, { recursive: true, force: true });
  await keepBootDenials(await startLab({ dir: testLabDir, fresh: true, owner: process.pid }));
  await engine;
}
