import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import { suppressStackTraces } from "../provider/engine/stack-trace.ts";

/** The release of the package @pulumi/command, and of its plugin, that this was written for. npm's `latest` is an old one with a wrong number. */
const VERSION = "1.2.1";

export interface CommandArgs {
  /** A script of sh. How it reaches its host may change: that alone does not run it again. */
  script: pulumi.Input<string>;
  /** Standard input. Its way is the one for secrets. */
  stdin?: pulumi.Input<string>;
  /** What has it run again when it changes. */
  triggers: pulumi.Input<unknown>[];
}

/** What is seen of a command: without the types of a package that a project need not have. */
export interface Command extends pulumi.CustomResource {
  readonly stdout: pulumi.Output<string>;
}

/** Runs a script on the workstation when it is made, and again when a trigger changes; what it prints is logged. */
export function runCommand(name: string, args: CommandArgs, opts: pulumi.CustomResourceOptions): Command {
  const { Command } = load().local;
  const { script, stdin, triggers } = args;
  // A replacement takes the properties as they are now, and so the triggers alone decide.
  const options = { ...opts, ignoreChanges: ["create", "stdin"], additionalSecretOutputs: ["stdin"] };
  const restore = suppressStackTraces();
  try {
    return new Command(name, { create: script, stdin, triggers, addPreviousOutputInEnv: false }, options);
  } finally {
    restore();
  }
}

/** The package is loaded when it is used: who does not use it needs neither it nor its plugin. */
function load(): typeof import("@pulumi/command") {
  try {
    return createRequire(import.meta.url)("@pulumi/command");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    throw new pulumi.RunError(
      `upgrade and provision need the package @pulumi/command, which this project does not have: npm install @pulumi/command@${VERSION}`,
    );
  }
}
