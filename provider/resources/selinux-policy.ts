import { readFileSync } from "node:fs";
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { PROCESS_TYPE } from "../confinement/judge.ts";
import { differences } from "../engine/adopt.ts";
import type { Kind } from "../engine/kind.ts";
import { type Args, HostResource } from "../engine/resource.ts";
import type { Step } from "../host/batch.ts";
import { hostName } from "../host/connection.ts";
import { sha256 } from "../host/digest.ts";
import { DAMAGED, type Damaged, damageOf, STORE } from "../host/records.ts";
import {
  claimOf,
  claimPath,
  claimSteps,
  claimsOf,
  otherClaims,
  parseStore,
  type Store,
  storeRead,
  unclaim,
} from "../host/store.ts";
import { hasContainer, isPolicyStillNeeded } from "../tools/containers.ts";
import { domainsRead } from "../tools/domains.ts";
import { CHANGE_MODULES, PIPED, restorecon } from "../tools/piped.ts";
import { EXIT_UNAVAILABLE } from "../tools/virsh.ts";
import { common, retain } from "./common.ts";

/** The policy's text. A policy writer reviews it without TypeScript. */
const CIL = readFileSync(new URL("../policy/svirt_lxc.cil", import.meta.url), "utf8");
const SHA256 = sha256(CIL);
/** What is loaded: the text, with a type in it whose name tells which text it is. Nothing carries that type. */
const TEXT = `${CIL}
(type svirt_lxc_text_${SHA256}_t)
(roletype object_r svirt_lxc_text_${SHA256}_t)
`;
const VERSION = Number(/^; Version (\d+)\./m.exec(CIL)![1]);
const MODULE = "svirt_lxc";
const CLAIM = "policy";

/** What a stack wants of the policy: this text of the module. */
const claimSchema = z.object({
  sha256: z.string(),
  version: z.number(),
  /** It stays when its stack goes. */
  retain: z.boolean().optional(),
});
type Claim = z.infer<typeof claimSchema>;

const FAMILIES = ["fedora", "refpolicy"] as const;

const schema = z.strictObject({ ...common, retain });
type Inputs = z.output<typeof schema>;

interface Observed {
  /** Digest of the loaded module if it is this release's, else "other"; undefined if there is none. */
  module?: string;
  /** Which of the family blocks took; exactly one must. */
  families: string[];
  /** The store carries its type. */
  storeLabelled: boolean;
  claim?: Claim | Damaged;
  host?: {
    store: Store;
    /** A container stays here without a stack. */
    remaining: boolean;
  };
}

interface Outputs {
  family: string;
  processType: string;
  rootType: string;
}

// libsemanage compiles what does not link away, with exit code 0: the markers tell what is in the loaded policy. Its own digest of
// a module (semodule --checksum) would be for all of the host's some 400 modules, which takes more than all other looks together.
const LOADED = `${PIPED}
exec 3>&2 2>/dev/null
valid() { printf 'system_u:object_r:svirt_lxc_%s_t:s0' "$1" >/sys/fs/selinux/context; }
if command -v semodule >/dev/null; then
  modules=$(piped semodule --list-modules=full) || { printf '%s\\n' "$modules" >&3; exit 1; }
  for word in $modules; do
    [ "$word" != ${MODULE} ] || { if valid text_${SHA256}; then echo module ${SHA256}; else echo module other; fi; break; }
  done
fi
for family in ${FAMILIES.join(" ")}; do
  if valid took_$family; then echo "took $family"; fi
done
stat -c 'store %C' ${STORE}
:`;
// The name of a module is the name of its file.
const INSTALL = `${CHANGE_MODULES}
d=$(mktemp -d) && trap 'rm -rf "$d"' EXIT && cat >"$d/${MODULE}.cil" && change_modules -i "$d/${MODULE}.cil" -e ${MODULE}`;
const REMOVE = `${CHANGE_MODULES}\nchange_modules -r ${MODULE}`;

export const selinuxPolicy: Kind<Inputs, Observed, Outputs> = {
  token: "SelinuxPolicy",
  schema,
  hostName: ({ connection }) => hostName(connection),
  id: () => MODULE,
  replaces: [],

  reads: () => [
    storeRead,
    { key: "policy", argv: ["sh", "-c", LOADED] },
    { ...domainsRead("*"), ok: [0, EXIT_UNAVAILABLE], unavailableExitCodes: [] },
  ],
  parse(results, { owner }) {
    const lines = results.get("policy")!.stdout.split("\n");
    const after = (word: string) => lines.filter((l) => l.startsWith(`${word} `)).map((l) => l.slice(word.length + 1));
    const store = parseStore(results.get("store")!);
    return {
      module: after("module")[0],
      families: after("took"),
      storeLabelled: after("store")[0]?.includes(":svirt_lxc_store_t:") ?? false,
      claim: claimOf(store, CLAIM, owner, claimSchema),
      host: { store, remaining: isPolicyStillNeeded(results) },
    };
  },

  exists: ({ claim }) => claim !== undefined,
  // One that holds our text is ours, though its claim may be lost: nobody else has it.
  existing({ module, host }) {
    if (module === undefined || module === SHA256 || host!.store.claims.has(CLAIM)) return undefined;
    return {
      what: `the host has an SELinux module ${MODULE}`,
      owner: undefined,
      differences: () => differences({ sha256: module }, { sha256: SHA256 }),
    };
  },
  precondition({ module, host }, { owner }, prior) {
    for (const [other, wish] of otherClaims(host!.store, CLAIM, claimSchema, owner, prior?.owner)) {
      if (wish === DAMAGED) {
        if (module === undefined || module === SHA256) continue;
        return {
          code: "claim-damaged",
          what: "another stack uses the SELinux module, and which version cannot be told",
          why: `its record cannot be read: ${STORE}/${claimPath(CLAIM, other)}`,
          remedy:
            "run `pulumi up` on that stack, which writes it anew; if there is no such stack any more, remove the file",
        };
      }
      const { sha256, version } = wish;
      // A newer module serves the containers of an older release; the other way round it would take from them.
      if (sha256 === SHA256 || version < VERSION) continue;
      return {
        code: "newer-policy-in-use",
        what: "another stack uses a newer version of the SELinux module",
        why: `${other} uses version ${version} (${sha256}), this release brings version ${VERSION} (${SHA256})`,
        remedy: "use for this stack the release of svirt-lxc that the other one uses, or a later one",
      };
    }
    return undefined;
  },
  plan({ claim, module, families, storeLabelled, host }, { owner, retain }, prior) {
    const wish: Claim = { sha256: SHA256, version: VERSION, ...(retain && { retain }) };
    const steps = claimSteps(claim, host?.store, CLAIM, owner, wish, prior?.owner);
    // One that somebody disabled, or that no longer links with a base policy that was upgraded, is there and has no effect.
    const renew = module !== SHA256 || families.length !== 1;
    if (renew) {
      steps.push({
        id: module === undefined ? "load-module" : "renew-module",
        title: `${module === undefined ? "Loading" : "Renewing"} the SELinux module ${MODULE}`,
        argv: ["sh", "-c", INSTALL],
        stdin: TEXT,
        timeout: 900,
      });
    }
    if (renew || !storeLabelled) {
      steps.push({ id: "label-store", title: `Labelling ${STORE}`, argv: restorecon("-R", STORE), timeout: 600 });
    }
    return steps;
  },
  verify({ families }) {
    if (families.length === 1) return undefined;
    return {
      problem: {
        code: "policy-does-not-fit",
        what: "the SELinux module does not fit the policy of this host",
        why:
          families.length === 0
            ? "neither its part for Debian's policy nor its part for Fedora's could be linked"
            : `its parts for ${families.join(" and ")} were both linked`,
        remedy: "see README for the supported hosts",
      },
      containment: [],
    };
  },
  remove({ claim, module, host }, { owner }) {
    if (!claim) return [];
    const last = otherClaims(host!.store, CLAIM, claimSchema, owner).size === 0 && !host!.remaining;
    const unload: Step = {
      id: "unload-module",
      title: `Unloading the SELinux module ${MODULE}`,
      argv: ["sh", "-c", REMOVE],
      timeout: 900,
    };
    return [...(last && module !== undefined ? [unload] : []), unclaim(CLAIM, owner)];
  },
  listOwned: (results) =>
    [...claimsOf(parseStore(results.get("store")!), CLAIM, claimSchema)]
      .filter(([owner, wish]) => wish !== DAMAGED && !wish.retain && !hasContainer(results, owner))
      .map(([owner]) => ({ owner, retain: false })),
  outputs: ({ families }) => ({
    family: families[0] ?? "none",
    processType: PROCESS_TYPE,
    rootType: "svirt_lxc_root_t",
  }),
  actualInputs: ({ claim }, { owner }) => (claim === DAMAGED ? { drift: [damageOf(claimPath(CLAIM, owner))] } : {}),
};

export type SelinuxPolicyArgs = Args<typeof schema>;

/**
 * The SELinux module of system containers is loaded: types of their own for processes, roots, the store and who mounts.
 * It is shared by all stacks that use the host, and goes with the last one.
 */
export class SelinuxPolicy extends HostResource {
  /** Whose base policy it was linked with: "refpolicy" (Debian) or "fedora". */
  declare readonly family: pulumi.Output<string>;
  /** The type of a container's processes. */
  declare readonly processType: pulumi.Output<string>;
  /** The type of a container's root. */
  declare readonly rootType: pulumi.Output<string>;

  constructor(name: string, args: SelinuxPolicyArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "SelinuxPolicy",
      name,
      { retain: opts?.retainOnDelete, ...args },
      ["family", "processType", "rootType"],
      [],
      opts,
    );
  }
}
