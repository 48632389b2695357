import { decompression, UNPACK } from "../tools/archive.ts";
import { build } from "../tools/build-unit.ts";
import { certificatesFor, mirrorSchema } from "./recipe.ts";
import { HOST_REMEDIES } from "./remedies.ts";
import type { Source } from "./source.ts";

// The archive is unpacked while it comes; its digest is taken of the same bytes.
const SCRIPT = `
curl --fail --silent --show-error --location --retry 3 --proto-redir =https,http -- "$1" | sh -c "$4" sh "$staging/archive" "$2" "$3" || return
rmdir "$root" && mv "$staging/archive/root" "$root" && rmdir "$staging/archive"`;

/** A tar archive that the host fetches; its sha256 must be given. */
export const url: Source<string> = {
  input: mirrorSchema,
  resolve: ({ sha256 }) => ({
    digest: sha256,
    failures:
      sha256 === undefined
        ? [{ property: "sha256", reason: "must be given for an archive that the host fetches" }]
        : [],
  }),
  needs: (address) => ["curl", ...certificatesFor([address])],
  fill: (address, digest, staging) =>
    build({
      title: `Fetching and unpacking ${address}`,
      staging,
      script: SCRIPT,
      args: [address, digest, decompression(new URL(address).pathname), UNPACK],
      remedies: [
        [
          "the archive's sha256 is",
          "what is there is another file than was declared: find out which is right, and declare its sha256",
        ],
        ["error: (404|403)|requested URL returned error", "correct the address"],
        ...HOST_REMEDIES,
      ],
    }),
};
