import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation/index.js";
import { fleet } from "./fleet.ts";

const USAGE = "node drive.ts preview|up|refresh|destroy [GROUP…]";

/** Stacks at a time: of each, engine, program and provider take some hundred MiB here. */
const AT_ONCE = 4;

interface Options {
  color: "never";
  onOutput(text: string): void;
}

/** What can be done to a stack; each tells how many resources it changes, by what is done to them. */
const OPERATIONS: Record<string, (stack: Stack, options: Options) => Promise<Record<string, number>>> = {
  preview: async (stack, options) => (await stack.preview(options)).changeSummary,
  up: async (stack, options) => (await stack.up(options)).summary.resourceChanges ?? {},
  refresh: async (stack, options) => (await stack.refresh(options)).summary.resourceChanges ?? {},
  destroy: async (stack, options) => (await stack.destroy(options)).summary.resourceChanges ?? {},
};

const [operation = "", ...named] = process.argv.slice(2);
const operate = OPERATIONS[operation];
const unknown = named.find((name) => !(name in fleet.groups));
if (!operate || unknown !== undefined) {
  const groups = Object.keys(fleet.groups).join(", ");
  console.error(unknown === undefined ? USAGE : `there is no group ${unknown}: choose of ${groups}`);
  process.exit(2);
}

// One after the other: Pulumi notes the one that was last opened in a file that all share.
const waiting: Stack[] = [];
for (const stackName of named.length > 0 ? named : Object.keys(fleet.groups))
  waiting.push(await LocalWorkspace.createOrSelectStack({ stackName, workDir: import.meta.dirname }));

// A terminal's Ctrl-C reaches each engine itself, which ends in good order: wait for them, and begin no other.
process.on("SIGINT", () => {
  process.exitCode = 1;
  waiting.length = 0;
});

/** Works through those that wait, one at a time. What one of them suffers holds up no other. */
async function work(): Promise<void> {
  for (let stack = waiting.shift(); stack; stack = waiting.shift()) {
    let output = "";
    const onOutput = (text: string) => {
      output += text;
    };
    try {
      const changes = await operate!(stack, { color: "never", onOutput });
      const told = Object.entries(changes).map(([what, count]) => `${count} ${what}`);
      console.log(`${stack.name}: ${told.join(", ") || "nothing"}`);
    } catch (error) {
      process.exitCode = 1;
      // What the engine says of each resource comes last, and is all that matters of its output.
      const [, diagnostics = `${error}`] = output.split(/^Diagnostics:$/m);
      const [text = ""] = diagnostics.split(/^(?:Outputs|Resources):$/m);
      console.error(`${stack.name}: failed\n${text.trim()}`);
    }
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, work));
