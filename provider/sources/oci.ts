import { z } from "zod";
import { build } from "../tools/build-unit.ts";
import { certificatesFor, HIDDEN, isHidden, resolveRecipe } from "./recipe.ts";
import { HOST_REMEDIES } from "./remedies.ts";
import type { Source } from "./source.ts";

const input = z.strictObject({
  /** An image of a registry, or a layout (of the OCI) on the host: `docker://NAME`, or `oci:/FOLDER:TAG`, as skopeo(1) names them. */
  from: z
    .string()
    .regex(
      /^(docker:\/\/[A-Za-z0-9][A-Za-z0-9._:/-]*|oci:\/[A-Za-z0-9._/-]+(:[A-Za-z0-9._-]+)?)$/,
      "must be docker://REGISTRY/NAME or oci:/FOLDER:TAG, without a digest",
    )
    .refine((from) => !isHidden(from.slice("oci:".length)), HIDDEN),
  /** What pins it: the digest of its manifest, or of its index of manifests for several architectures. */
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, "must be sha256: and 64 lower-case hexadecimal digits"),
});
type Recipe = z.output<typeof input>;

// The digest is that of the manifest as it is there, which may be an index of manifests, one for each architecture: skopeo copies
// the host's, and makes one of the OCI's of one of Docker's, so that what was copied has another digest. It compares each blob with
// its digest while it copies, and of a registry each manifest. Signatures of registries are not asked for. umoci makes device
// nodes; those of /dev are removed afterwards.
const SCRIPT = `
skopeo --insecure-policy inspect --raw "$1" >"$staging/manifest" || return
is=sha256:$(sha256sum <"$staging/manifest" | cut -d ' ' -f 1)
[ "$is" = "$2" ] || fail "the image has the digest $is, not $2"
skopeo --insecure-policy copy "$1" "oci:$staging/layout:image" && rm "$staging/manifest" || return
rmdir "$root" && umoci raw unpack --image "$staging/layout:image" "$root" && rm -rf "$staging/layout" || return
[ ! -e "$root/etc/resolv.conf" ] || [ -s "$root/etc/resolv.conf" ] || rm "$root/etc/resolv.conf"`;

/** The root file system of an image of the OCI that holds systemd. */
export const oci: Source<Recipe> = {
  input,
  resolve: (wanted) => resolveRecipe("oci", wanted),
  needs: ({ from }) => ["skopeo", "umoci", ...certificatesFor([from])],
  fill: ({ from, digest }, _, staging) =>
    build({
      title: `Fetching and unpacking ${from}`,
      staging,
      script: SCRIPT,
      args: [from.startsWith("docker:") ? `${from.replace(/:[^/:]*$/, "")}@${digest}` : from, digest],
      remedies: [
        [
          "has the digest",
          "what is there is another image than was declared: find out which is right, and declare its digest",
        ],
        ["holds no /sbin/init", "take an image that has systemd: application images hold none"],
        [
          "manifest unknown|no such file or directory|not found|unauthorized",
          "correct the name and the digest, or log the host's root in, where builds see it: skopeo login --authfile /run/containers/0/auth.json",
        ],
        ...HOST_REMEDIES,
      ],
    }),
};
