import { z } from "zod";
import { unpack } from "../tools/archive.ts";
import type { Source } from "./source.ts";

/** A tar archive that lies on the host; its sha256 must be given. */
export const hostArchive: Source<string> = {
  input: z.string().startsWith("/", "must be an absolute path on the host"),
  resolve: ({ sha256 }) => ({
    digest: sha256,
    failures:
      sha256 === undefined
        ? [{ property: "sha256", reason: "must be given for an archive that lies on the host" }]
        : [],
  }),
  needs: () => [],
  fill: (file, digest, staging) => ({
    id: "unpack-image",
    title: "Unpacking the image",
    argv: unpack(file, digest, staging, "host"),
    timeout: 3600,
  }),
};
