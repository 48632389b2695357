import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { Kind } from "../engine/kind.ts";
import { type Args, HostResource } from "../engine/resource.ts";
import { type Family, familyOf, installPackages, parseSystem, type System, systemRead } from "../families/index.ts";
import type { Step } from "../host/batch.ts";
import { DAMAGED, damageOf, STORE } from "../host/records.ts";
import { parseStore, readableSlots, type Store, storeRead } from "../host/store.ts";
import { resolveSource, sourceInputs, sourceKeys, sourceOf } from "../sources/index.ts";
import { removeBuild } from "../tools/build-unit.ts";
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
  stagingFolder,
  UNUSED,
} from "../tools/images.ts";
import { common, retain } from "./common.ts";

const schema = z.strictObject({
  ...common,
  retain,
  ...sourceInputs,
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
  host?: { store: Store; system: System };
}

interface Outputs {
  path: string;
  packages: string[];
}

// The record comes last: without it the image does not count.
const INSTALL = `${UNUSED}
unused "$2" && mkdir -p "\${2%/*}" && rm -rf "$2" && mv -T "$1" "$2" && rm -f "$2/built" && sync "\${2%/*}" && rmdir --ignore-fail-on-non-empty "\${1%/*}"`;

export const lxcImage: Kind<Inputs, Observed, Outputs> = {
  token: "LxcImage",
  schema,
  hostName: ({ sha256 }) => sha256.slice(0, 12),
  id: ({ sha256 }) => sha256,
  replaces: ["sha256"],

  reads: () => [storeRead, systemRead],
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
      host: { store, system: parseSystem(results) },
    };
  },

  exists: ({ host }, { sha256, owner }) => hasImageClaim(host!.store, sha256, owner),
  plan({ present, recorded, claimed, retain, staged, halfRemoved, host }, { sha256, owner, ...desired }, prior) {
    const steps: Step[] = [];
    const former = prior?.owner;
    const renamed = former !== undefined && former !== owner && host && hasImageClaim(host.store, sha256, former);
    // The claim comes first: what is left of an upload that broke off is then ours to remove.
    if (!claimed || renamed || retain !== desired.retain) {
      const claim = claimImage(sha256, owner, renamed ? former : undefined, { retain: desired.retain || undefined });
      steps.push({ ...claim, ...(present ? {} : { phase: "before" }) });
    }
    if (!present) {
      const { source, recipe } = sourceOf({ ...desired, sha256 });
      const { family, missing } = lacking(host?.system, source.needs(recipe));
      if (family && missing.length > 0) steps.push({ ...installPackages(family, missing), phase: "before" });
      steps.push({ ...source.fill(recipe, sha256, stagingFolder(sha256, owner)), phase: "before" });
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
  outputs: ({ host }, { sha256 }) => ({
    path: `${STORE}/${imageFolder(sha256)}/root`,
    packages: host?.store.packages.get(sha256) ?? [],
  }),
  actualInputs({ present, recorded, claimed }, { sha256, owner }) {
    const lost = [
      ...(recorded || !present ? [] : [imageRecordPath(sha256)]),
      ...(claimed ? [] : [imageClaimPath(sha256, owner)]),
    ];
    return lost.length > 0 ? { drift: lost.map(damageOf) } : {};
  },

  resolve: {
    needs: sourceKeys,
    async run(inputs, olds) {
      const { digest, failures } = await resolveSource(inputs, olds.sha256);
      return { inputs: { ...inputs, sha256: digest }, failures };
    },
  },
};

/** The packages of a host's family that an image needs and the host lacks. */
function lacking(system: System | undefined, needs: readonly string[]): { family?: Family; missing: string[] } {
  const family = system && familyOf(system.os);
  if (!family || "unsupported" in family) return { missing: [] };
  const packages = needs.map((name) => family.packageOf[name] ?? name);
  return { family, missing: packages.filter((name) => !system.packages.has(name)) };
}

function removeStaging(sha256: string, owner: string): Step {
  return {
    id: "remove-staging",
    title: "Ending the making of the image, and removing what there is of it",
    argv: removeBuild(stagingFolder(sha256, owner)),
    timeout: 600,
  };
}

export type LxcImageArgs = Args<typeof schema>;

/**
 * An immutable base root on a host, made of one source: an archive, packages, or an image of the OCI. It is named by the sha256 of
 * the archive or of the recipe, and so made once. Containers lie on it without copying it. It is removed when nothing uses it any
 * more.
 *
 * @example
 * host.image("debian", { apt: { suite: "trixie" } });
 * host.image("fedora", { dnf: { release: 44 }, rebuild: "2026-11" });
 * host.image("base", { archive: "images/base.tar" });
 */
export class LxcImage extends HostResource {
  declare readonly sha256: pulumi.Output<string>;
  /** The folder of the root, on the host. */
  declare readonly path: pulumi.Output<string>;
  /** What was installed, each with its version: `name=version`. Empty for archives. */
  declare readonly packages: pulumi.Output<string[]>;

  constructor(name: string, args: LxcImageArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "LxcImage",
      name,
      { retain: opts?.retainOnDelete, ...args },
      ["path", "packages", ...(args.sha256 === undefined ? ["sha256"] : [])],
      [],
      opts,
    );
  }
}
