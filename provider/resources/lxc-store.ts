import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { Kind } from "../engine/kind.ts";
import { type Args, HostResource } from "../engine/resource.ts";
import { hostName } from "../host/connection.ts";
import { parseStore, STORE, storeRead } from "../host/store.ts";
import { common } from "./common.ts";

const schema = z.strictObject({ ...common });
type Inputs = z.output<typeof schema>;

type Observed = Record<string, never>;

interface Outputs {
  path: string;
}

export const lxcStore: Kind<Inputs, Observed, Outputs> = {
  token: "LxcStore",
  schema,
  hostName: ({ connection }) => hostName(connection),
  id: () => STORE,
  replaces: [],
  removesOrphans: true,

  reads: () => [storeRead],
  parse: () => ({}),
  // It writes nothing itself: a run that was killed before the engine heard of its first resource has left nothing.
  exists: () => true,
  plan: () => [],
  remove: () => [],
  // A stack that has the host under some name claims its policy.
  listOwned: (results) =>
    [...(parseStore(results.get("store")!).claims.get("policy")?.keys() ?? [])].map((owner) => ({
      owner: owner.replace("/SelinuxPolicy/", "/LxcStore/"),
    })),
  outputs: () => ({ path: STORE }),
  actualInputs: () => ({}),
};

export type LxcStoreArgs = Args<typeof schema>;

/**
 * The folder on a host in which everything of ours is written down. It is a stack's first resource on the host and its last:
 * when it is deleted, it also removes what else of the stack is there, made by an operation that was killed before the engine
 * heard of it. What was declared with retainOnDelete stays, and so does a whole container that is not in the state: it was
 * taken out (`pulumi state delete`), or it is in another state of a stack of that name.
 */
export class LxcStore extends HostResource {
  /** The folder. */
  declare readonly path: pulumi.Output<string>;

  constructor(name: string, args: LxcStoreArgs, opts?: pulumi.CustomResourceOptions) {
    super("LxcStore", name, args, ["path"], [], opts);
  }
}
