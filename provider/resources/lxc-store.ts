import { randomBytes } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { Kind } from "../engine/kind.ts";
import { type Args, HostResource } from "../engine/resource.ts";
import { hostName } from "../host/connection.ts";
import { ownerOf } from "../host/owner.ts";
import { STORE } from "../host/records.ts";
import { parseStore, storeRead, unreadableRecords } from "../host/store.ts";
import { common } from "./common.ts";

const schema = z.strictObject({ ...common });
type Inputs = z.output<typeof schema>;

interface Observed {
  host?: {
    /** Records of whoever, which cannot be read. */
    unreadable: string[];
  };
}

interface Outputs {
  path: string;
}

export const lxcStore: Kind<Inputs, Observed, Outputs> = {
  token: "LxcStore",
  schema,
  hostName: ({ connection }) => hostName(connection),
  id: () => STORE,
  replaces: [],
  // Nothing on the host carries it. An update would make the ID unknown in a preview, and with it the owner of all others.
  createOnly: ["owner"],
  generatedOutputs: { stackId: () => randomBytes(4).toString("hex") },
  orphansOf: ({ stackId }) => String(stackId),

  reads: () => [storeRead],
  parse: (results) => ({ host: { unreadable: unreadableRecords(parseStore(results.get("store")!)) } }),
  // It writes nothing itself: a run that was killed before the engine heard of its first resource has left nothing.
  exists: () => true,
  plan: () => [],
  remove: () => [],
  outputs: () => ({ path: STORE }),
  actualInputs: () => ({}),
  notices: ({ host }) =>
    host!.unreadable.map(
      (path) =>
        `cannot read the record ${STORE}/${path}: what it may stand for stays on the host. Remove the file if no stack needs it`,
    ),
};

export type LxcStoreArgs = Args<typeof schema>;

/**
 * The folder on a host in which everything of ours is written down. It is a stack's first resource on the host and its last:
 * when it is deleted, it also removes what else of the stack is there, made by an operation that was killed before the engine
 * heard of it. What was declared with retainOnDelete stays, and so does a whole container that is not in the state: it was
 * taken out (`pulumi state delete`).
 */
export class LxcStore extends HostResource {
  /** The folder. */
  declare readonly path: pulumi.Output<string>;
  /** Tells this stack from others of the same name on the host: made at random when the store is created, and kept in the state. */
  declare readonly stackId: pulumi.Output<string>;
  /** The machine-id(5) of the host. */
  declare readonly machine: pulumi.Output<string>;

  constructor(name: string, args: LxcStoreArgs, opts?: pulumi.CustomResourceOptions) {
    super("LxcStore", name, args, ["path", "stackId", "machine"], [], opts);
  }

  /**
   * Arguments of another resource on this host: its owner, by which what it makes is known to be this stack's, and the machine
   * that the host is. Where the connection leads to another one, nothing is made there.
   */
  argsOf(kind: string, name: string): { owner: pulumi.Output<string>; machineId: pulumi.Output<string> } {
    const [project, stack] = [pulumi.getProject(), pulumi.getStack()];
    const owner = this.stackId.apply((id) => ownerOf({ project, stack, id }, kind, name));
    return { owner, machineId: this.machine };
  }
}
