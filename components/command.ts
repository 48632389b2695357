import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { suppressStackTraces } from "../provider/engine/stack-trace.ts";

/** The release of the package @pulumi/command, and of its plugin, that this was written for. npm's `latest` is an old one with a wrong number. */
const VERSION = "1.2.1";

export interface CommandArgs {
  /** What is run, as people know it: state, previews and errors show it. */
  command: pulumi.Input<string>;
  /** A script of sh that runs it, its first argument. How it reaches its host may change: that alone runs nothing again. */
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

/** Runs a command from the workstation when it is made, and again when a trigger changes; what it prints is logged. */
export function runCommand(name: string, args: CommandArgs, opts: pulumi.CustomResourceOptions): Command {
  const { Command } = load().local;
  warnOfMissingPlugin();
  const { command, script, stdin, triggers } = args;
  const properties = {
    create: command,
    interpreter: ["/bin/sh", "-c", script, "sh"],
    stdin: stdin === undefined ? undefined : pulumi.secret(stdin),
    triggers,
    addPreviousOutputInEnv: false,
  };
  // A replacement takes the properties as they are now, and so the triggers alone decide.
  const options = { ...opts, ignoreChanges: ["create", "interpreter", "stdin"] };
  const restore = suppressStackTraces();
  try {
    return new Command(name, properties, options);
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

let hasWarned = false;

/** Where the engine may not download plugins, it only says that this one is missing, and not what to do about it. */
function warnOfMissingPlugin(): void {
  if (hasWarned || !/^(1|true)$/i.test(process.env.PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION ?? "")) return;
  hasWarned = true;
  const plugins = join(
    process.env.PULUMI_HOME || join(homedir(), ".pulumi"),
    "plugins",
    `resource-command-v${VERSION}`,
  );
  const onPath = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "pulumi-resource-command"));
  if ([plugins, ...onPath].some((path) => existsSync(path))) return;
  pulumi.log.warn(
    "upgrade and provision need the plugin of @pulumi/command, which was not found, and the engine may not download plugins: " +
      `run \`pulumi plugin install resource command ${VERSION}\``,
  );
}
