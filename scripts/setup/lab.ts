import { cachedArchives, ensureArchives } from "../../lab/base.ts";
import { ensureImage } from "../../lab/image.ts";
import { type Lab, startLab } from "../../lab/index.ts";
import { ensurePackages } from "./packages.ts";
import { labDir } from "./paths.ts";

/** The checkout's lab host, running, and the archives that its containers are made of. */
export async function ensureLab({ fresh = false } = {}): Promise<Lab> {
  await ensureLabParts();
  await ensureArchives(labDir);
  return startLab({ dir: labDir, fresh });
}

/** What the lab is made of, which is shared by all checkouts; this is what takes root. */
export async function ensureLabParts(): Promise<void> {
  await ensurePackages();
  await cachedArchives();
  await ensureImage();
}
