import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import type { Failure } from "../engine/kind.ts";
import { unpack } from "../tools/archive.ts";
import { faultOfArchive } from "../tools/archive-contents.ts";
import type { Source } from "./source.ts";

/** A tar archive on the workstation (.tar, .tar.gz, .tar.xz, .tar.zst), relative to the project. */
export const archive: Source<string> = {
  input: z.string().min(1),
  // Each preview reads the archive; what is in it is looked at (for a compressed one, some seconds) until a host has it.
  async resolve({ recipe: file, sha256 }, known) {
    const failures: Failure[] = [];
    const fail = (property: string, reason: string) => failures.push({ property, reason });
    const computed = await sha256Of(file);
    if (computed === undefined && sha256 === undefined) fail("archive", `cannot read ${file}`);
    else if (computed !== undefined && sha256 !== undefined && computed !== sha256)
      fail("sha256", `${file} has the sha256 ${computed}`);
    else if (computed !== undefined && computed !== known) {
      const fault = await faultOfArchive(file);
      if (fault !== undefined) fail("archive", `${file} ${fault}`);
    }
    return { digest: sha256 ?? computed, failures };
  },
  needs: () => [],
  fill: (file, digest, staging) => ({
    id: "upload-image",
    title: "Uploading and unpacking the image",
    argv: unpack(file, digest, staging, "stdin"),
    upload: file,
    timeout: 3600,
    remedy:
      "mend the cause, and run the same command again. If it took too long: an upload begins anew each time, so compress the archive (.tar.zst, .tar.xz), or let the host have it (hostArchive, url)",
  }),
};

async function sha256Of(file: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(file), hash);
  } catch {
    return undefined;
  }
  return hash.digest("hex");
}
