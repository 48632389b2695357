import type { z } from "zod";
import type { Outcome, Read, Results, Step } from "../host/batch.ts";
import type { Connection } from "../host/connection.ts";
import type { Problem } from "../host/errors.ts";

/** The inputs that every resource has. */
export interface CommonInputs {
  connection: Connection;
  /** project/stack@ID/kind/name (host/owner.ts): what is stamped on everything that the resource makes. */
  owner: string;
  /** The machine-id(5) that the host must have. */
  machineId?: string;
  /** Take over what someone else made, if it is what is declared. */
  adopt?: boolean;
}

/** What has the name of a resource already, whoever made it. */
export interface ExistingObject {
  /** "libvirt has a domain web" */
  what: string;
  /** Whose mark it carries, if it does. */
  owner: string | undefined;
  /** How it differs from what is declared, a line each. Asked for only when it is to be adopted. */
  differences(): string[];
}

/**
 * A resource kind: data and pure functions, from which the lifecycle makes Pulumi's six calls.
 *
 * `I` are the inputs with every default filled in, `O` what is observed of it on the host, `P` the outputs.
 * An observation is kept in state, without its `host` part, and so must be compact and hold no secret.
 */
export interface Kind<I extends CommonInputs, O extends object, P extends object> {
  /** "LxcDomain"; Pulumi shows pulumi-nodejs:dynamic/svirt-lxc:LxcDomain. Never renamed without an alias. */
  token: string;
  schema: z.ZodObject;

  /** The looks at the host that `parse` needs, of what `name` is called on the host or, with "*", of all of the kind. */
  reads(name: string): Read[];
  /** What it is called on the host. */
  hostName(inputs: I): string;
  parse(results: Results, inputs: I): O;

  /** Is there anything of it that is ours? What is not there is made by `create` and needs no `delete`. */
  exists(observed: O, inputs: I): boolean;
  /** The identity: a new one means that dependents live on something else. Nothing may have been observed yet. */
  id(inputs: I, observed: O | undefined): string;
  /** What has to be done; empty if converged. `prior` are the inputs of the state, where there is one. */
  plan(observed: O, desired: I, prior?: I): Step[];
  /** How to remove what is there. */
  remove(observed: O, inputs: I): Step[];
  outputs(observed: O, inputs: I): P;
  /** Outputs that are made when the resource is created, and stay what they are as long as the state has it. */
  generatedOutputs?: Readonly<Record<string, () => unknown>>;
  /** Outputs of what cannot be seen for now. */
  unavailableOutputs?: Partial<P>;
  /** What people should hear of when it is seen or about to be changed, though it is no drift. It is not kept: it may change by itself. */
  notices?(observed: O, inputs: I): string[];
  /** The inputs as they are on the host, where they can be told, and drift that is of none of them. A refresh names what differs. */
  actualInputs(observed: O, inputs: I): Partial<I> & { drift?: string[] };

  /** What is there under its name; undefined if nothing is, or if all stacks share it. */
  existing?(observed: O, desired: I): ExistingObject | undefined;
  /** Why it must not be done at all: the host cannot, or another stack wishes otherwise. */
  precondition?(observed: O, desired: I, prior?: I): Problem | undefined;
  /** Whether the result is what was promised, and what makes the host safe if it is not. */
  verify?(observed: O, inputs: I): { problem: Problem; containment: Step[] } | undefined;

  /** Where to look for what may be the reason when one of its steps has failed, and what an error quotes of it. */
  afterFailure?(inputs: I, observed: O | undefined): { read: Read; tell(outcome: Outcome): string[] } | undefined;

  /**
   * What of the kind is on a host, of all owners, as inputs that `remove` can work with, by the looks of all kinds. Left out is
   * what is to be kept, and what an engine must have heard of: if it is not in the state, somebody took it out.
   */
  listOwned?(results: Results): Omit<I, "connection">[];
  /** The ID of the stack, by the outputs, if its removal also removes what else there is of that stack: see removeOrphans. */
  orphansOf?(outputs: Record<string, unknown>): string;

  /** Inputs whose change, or uncertainty, replaces the resource. */
  replaces: readonly (keyof I & string)[];
  /** Inputs that count only when it is made. */
  createOnly?: readonly (keyof I & string)[];
  /** What of the observation is secret in state. */
  secretObservation?: readonly string[];
  /** Further checks of the inputs, and defaults that depend on the workstation. */
  resolve?: {
    /** Inputs without which it cannot be said. */
    needs: readonly (keyof I & string)[];
    /** `olds` are the inputs of the state, empty where there is none: what was checked then need not be checked again. */
    run(inputs: Partial<I>, olds: Partial<I>): Promise<{ inputs: Partial<I>; failures: Failure[] }>;
  };
}

/** A mistake in the inputs, by property path. */
export interface Failure {
  property: string;
  reason: string;
}

// biome-ignore lint/suspicious/noExplicitAny: kinds of different types stand in one registry
export type AnyKind = Kind<any, any, any>;
