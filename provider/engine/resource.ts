import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { ownerOf } from "../host/owner.ts";
import { providerSource } from "./provider-source.ts";
import { expectRegistration } from "./registration.ts";
import { followRetainOnDelete } from "./retain.ts";
import { suppressStackTraces } from "./stack-trace.ts";

/** The arguments of a resource: its inputs, each of which may be an output of another one. */
export type Args<S extends z.ZodObject> = {
  [K in keyof Omit<z.input<S>, "owner" | "retain">]: pulumi.Input<z.input<S>[K]>;
} & { owner?: pulumi.Input<string> };

/** What all resources of this package are to Pulumi: dynamic resources, whose code it finds in their property __provider. */
export abstract class HostResource extends pulumi.CustomResource {
  /**
   * @param token the kind
   * @param outputs the names of the computed outputs
   * @param secrets inputs and outputs that state holds encrypted, whatever they were given as
   */
  constructor(
    token: string,
    name: string,
    args: Readonly<Record<string, unknown>>,
    outputs: readonly string[],
    secrets: readonly string[],
    opts: pulumi.CustomResourceOptions = {},
  ) {
    const computed = Object.fromEntries(
      [...outputs, "observed", "machine", "schemaVersion"].map((output) => [output, undefined]),
    );
    const owner = ownerOf({ project: pulumi.getProject(), stack: pulumi.getStack() }, token, name);
    const options = {
      // Names on a host are unique, and `--replace` asks no diff: the new one would find the old one, and then lose it.
      deleteBeforeReplace: true,
      ...opts,
      transforms: [...(opts.transforms ?? []), ...("retain" in args ? followRetainOnDelete() : [])],
      additionalSecretOutputs: [...(opts.additionalSecretOutputs ?? []), ...secrets],
    };
    // Of the inputs it is the caller who says what is secret; additionalSecretOutputs are not asked.
    const encrypted = Object.fromEntries(
      secrets.filter((key) => args[key] !== undefined).map((key) => [key, pulumi.secret(args[key])]),
    );
    const restore = suppressStackTraces();
    try {
      const props = { ...computed, owner, ...args, ...encrypted, __provider: providerSource(token) };
      super(`pulumi-nodejs:dynamic/svirt-lxc:${token}`, name, props, options);
    } finally {
      restore();
    }
    expectRegistration(this, `${token} ${name}`);
  }
}
