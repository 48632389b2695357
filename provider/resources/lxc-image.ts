import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { Failure, Kind } from "../engine/kind.ts";
import { type Args, HostResource } from "../engine/resource.ts";
import type { Step } from "../host/batch.ts";
import { DAMAGED, damageOf, STORE } from "../host/records.ts";
import { parseStore, readableSlots, type Store, storeRead } from "../host/store.ts";
import { stagingFolder, unpack } from "../tools/archive.ts";
import { faultOfArchive } from "../tools/archive-contents.ts";
import {
  claimImage,
  hasImageClaim,
  imageClaim,
  imageClaimPath,
  imageClaims,
  imageFolder,
  imageRecordPath,
  isHalfRemoved,
  isWholeImage,
  recordImage,
  releaseImage,
  removeRest,
  UNUSED,
} from "../tools/images.ts";
import { common, retain } from "./common.ts";

const schema = z.strictObject({
  ...common,
  retain,
  /** A tar archive on the workstation (.tar, .tar.gz, .tar.xz, .tar.zst), relative to the project. */
  archive: z.string().min(1).optional(),
  /** A tar archive that lies on the host; its sha256 must be given. */
  hostArchive: z.string().startsWith("/", "must be an absolute path on the host").optional(),
  /** sha256 of the archive. Of a file on the workstation it is computed if it is not given, and checked if it is. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hexadecimal digits")
    .optional(),
});
type Inputs = z.output<typeof schema> & { sha256: string };

interface Observed {
  /** It is complete on the host. */
  present: boolean;
  /** It has a record that can be read. */
  recorded: boolean;
  /** The owner has a claim, and it can be read. */
  claimed: boolean;
  retain: boolean;
  /** It was unpacked, but not put in place. */
  staged: boolean;
  /** Something is left of an earlier one whose removal broke off. */
  halfRemoved: boolean;
  host?: { store: Store };
}

interface Outputs {
  path: string;
}

// The record comes last: without it the image does not count.
const INSTALL = `${UNUSED}
unused "$2" && mkdir -p "\${2%/*}" && rm -rf "$2" && mv -T "$1" "$2" && sync "\${2%/*}" && rmdir --ignore-fail-on-non-empty "\${1%/*}"`;

export const lxcImage: Kind<Inputs, Observed, Outputs> = {
  token: "LxcImage",
  schema,
  hostName: ({ sha256 }) => sha256.slice(0, 12),
  id: ({ sha256 }) => sha256,
  replaces: ["sha256"],

  reads: () => [storeRead],
  parse(results, { sha256, owner }) {
    const store = parseStore(results.get("store")!);
    const record = store.images.get(sha256);
    return {
      present: isWholeImage(store, sha256),
      recorded: record !== undefined && record !== DAMAGED,
      claimed: imageClaim(store, sha256, owner) !== undefined,
      retain: imageClaim(store, sha256, owner)?.retain ?? false,
      staged: store.staging.has(stagingFolder(sha256, owner)),
      halfRemoved: isHalfRemoved(store, imageFolder(sha256)),
      host: { store },
    };
  },

  exists: ({ host }, { sha256, owner }) => hasImageClaim(host!.store, sha256, owner),
  plan(
    { present, recorded, claimed, retain, staged, halfRemoved, host },
    { archive, hostArchive, sha256, owner, ...desired },
    prior,
  ) {
    const steps: Step[] = [];
    const former = prior?.owner;
    const renamed = former !== undefined && former !== owner && host && hasImageClaim(host.store, sha256, former);
    // The claim comes first: what is left of an upload that broke off is then ours to remove.
    if (!claimed || renamed || retain !== desired.retain) {
      const claim = claimImage(sha256, owner, renamed ? former : undefined, { retain: desired.retain || undefined });
      steps.push({ ...claim, ...(present ? {} : { phase: "before" }) });
    }
    if (!present) {
      const staging = stagingFolder(sha256, owner);
      steps.push(
        archive === undefined
          ? {
              id: "unpack-image",
              title: "Unpacking the image",
              argv: unpack(hostArchive!, sha256, staging, "host"),
              phase: "before",
              timeout: 3600,
            }
          : {
              id: "upload-image",
              title: "Uploading and unpacking the image",
              argv: unpack(archive, sha256, staging, "stdin"),
              upload: archive,
              phase: "before",
              timeout: 3600,
            },
      );
      const argv = ["sh", "-c", INSTALL, "sh", stagingFolder(sha256, owner), `${STORE}/${imageFolder(sha256)}`];
      steps.push({ id: "install-image", title: "Putting the image in place", argv });
    }
    if (!recorded) steps.push(recordImage(sha256));
    if (halfRemoved) steps.push(removeRest(imageFolder(sha256)));
    // Another stack was faster with the same image.
    if (present && staged) steps.push(removeStaging(sha256, owner));
    return steps;
  },
  remove: ({ staged, halfRemoved, host }, { sha256, owner }) => [
    ...(staged ? [removeStaging(sha256, owner)] : []),
    ...(halfRemoved ? [removeRest(imageFolder(sha256))] : []),
    ...releaseImage(host!.store, sha256, owner),
  ],
  // Roots claim images, too: those are theirs to give up.
  listOwned(results) {
    const store = parseStore(results.get("store")!);
    const roots = new Set(readableSlots(store).map((slot) => slot.owner));
    return imageClaims(store)
      .filter(({ owner, retain }) => !roots.has(owner) && !retain)
      .map(({ owner, sha256 }) => ({ owner, sha256, retain: false }));
  },
  outputs: (_, { sha256 }) => ({ path: `${STORE}/${imageFolder(sha256)}/root` }),
  actualInputs({ present, recorded, claimed }, { sha256, owner }) {
    const lost = [
      ...(recorded || !present ? [] : [imageRecordPath(sha256)]),
      ...(claimed ? [] : [imageClaimPath(sha256, owner)]),
    ];
    return lost.length > 0 ? { drift: lost.map(damageOf) } : {};
  },

  resolve: {
    needs: ["archive", "hostArchive", "sha256"],
    async run(inputs, olds) {
      const failures: Failure[] = [];
      const { archive, hostArchive } = inputs;
      let { sha256 } = inputs;
      if ((archive === undefined) === (hostArchive === undefined)) {
        failures.push({
          property: "archive",
          reason: "give either archive (a file on the workstation) or hostArchive (on the host)",
        });
      } else if (hostArchive !== undefined && sha256 === undefined) {
        failures.push({ property: "sha256", reason: "must be given for an archive that lies on the host" });
      } else if (archive !== undefined) {
        const computed = await sha256Of(archive);
        if (computed === undefined && sha256 === undefined)
          failures.push({ property: "archive", reason: `cannot read ${archive}` });
        else if (computed !== undefined && sha256 !== undefined && computed !== sha256) {
          failures.push({ property: "sha256", reason: `${archive} has the sha256 ${computed}` });
        } else if (computed !== undefined && computed !== olds.sha256) {
          // Each preview reads the archive; what is in it is looked at (for a compressed one, some seconds) until a host has it.
          const fault = await faultOfArchive(archive);
          if (fault !== undefined) failures.push({ property: "archive", reason: `${archive} ${fault}` });
        }
        sha256 ??= computed;
      }
      return { inputs: { ...inputs, sha256 }, failures };
    },
  },
};

function removeStaging(sha256: string, owner: string): Step {
  const folder = stagingFolder(sha256, owner);
  return {
    id: "remove-staging",
    title: "Removing the partly unpacked image",
    argv: ["sh", "-c", 'rm -rf "$1" && rmdir --ignore-fail-on-non-empty "${1%/*}"', "sh", folder],
    timeout: 600,
  };
}

async function sha256Of(file: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(file), hash);
  } catch {
    return undefined;
  }
  return hash.digest("hex");
}

export type LxcImageArgs = Args<typeof schema>;

/**
 * An immutable base root on a host, named by the sha256 of the archive that it was unpacked from. Containers lie on it without
 * copying it. It is removed when nothing uses it any more.
 */
export class LxcImage extends HostResource {
  declare readonly sha256: pulumi.Output<string>;
  /** The folder of the root, on the host. */
  declare readonly path: pulumi.Output<string>;

  constructor(name: string, args: LxcImageArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "LxcImage",
      name,
      { retain: opts?.retainOnDelete, ...args },
      ["path", ...(args.sha256 === undefined ? ["sha256"] : [])],
      [],
      opts,
    );
  }
}
