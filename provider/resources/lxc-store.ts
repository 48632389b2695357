import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { Kind } from "../engine/kind.ts";
import { type Args, HostResource } from "../engine/resource.ts";
import { hostName } from "../host/connection.ts";
import { claimOf, claimSteps, parseStore, STORE, type Store, storeRead, unclaim } from "../host/store.ts";
import { common } from "./common.ts";

const schema = z.strictObject({ ...common });
type Inputs = z.output<typeof schema>;

interface Observed {
  claim?: object;
  host?: { store: Store };
}

interface Outputs {
  path: string;
}

const CLAIM = "store";

export const lxcStore: Kind<Inputs, Observed, Outputs> = {
  token: "LxcStore",
  schema,
  hostName: ({ connection }) => hostName(connection),
  id: () => STORE,
  replaces: [],
  sweeps: true,

  reads: () => [storeRead],
  parse(results, { owner }) {
    const store = parseStore(results.get("store")!);
    return { claim: claimOf(store, CLAIM, owner), host: { store } };
  },
  exists: ({ claim }) => claim !== undefined,
  plan: ({ claim, host }, { owner }, prior) => claimSteps(claim, host?.store, CLAIM, owner, {}, prior?.owner),
  remove: ({ claim }, { owner }) => (claim ? [unclaim(CLAIM, owner)] : []),
  owned: (results) =>
    [...(parseStore(results.get("store")!).claims.get(CLAIM)?.keys() ?? [])].map((owner) => ({ owner })),
  outputs: () => ({ path: STORE }),
  actual: () => ({}),
};

export type LxcStoreArgs = Args<typeof schema>;

/**
 * The folder on a host in which everything of ours is written down. It is a stack's first resource on the host and its last:
 * when it is deleted, it also removes what else of the stack is there, made by an operation that was killed before the engine
 * heard of it. What was declared with retainOnDelete stays.
 */
export class LxcStore extends HostResource {
  /** The folder. */
  declare readonly path: pulumi.Output<string>;

  constructor(name: string, args: LxcStoreArgs, opts?: pulumi.CustomResourceOptions) {
    super("LxcStore", name, args, ["path"], [], opts);
  }
}
