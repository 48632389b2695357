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
const unknown = named.find((name) => !Object.hasOwn(fleet.groups, name));
if (!operate || unknown !== undefined) {
  const groups = Object.keys(fleet.groups).join(", ");
  console.error(unknown === undefined ? USAGE : `there is no group ${unknown}: choose of ${groups}`);
  process.exit(2);
}

const waiting = named.length > 0 ? named : Object.keys(fleet.groups);

// A terminal's Ctrl-C reaches each engine itself, which ends in good order: wait for them, and begin no other.
process.on("SIGINT", () => {
  process.exitCode = 1;
  for (const stackName of waiting.splice(0)) console.error(`${stackName}: not begun`);
});

/** Works through those that wait, one at a time. What one of them suffers holds up no other. */
async function work(): Promise<void> {
  for (let stackName = waiting.shift(); stackName !== undefined; stackName = waiting.shift()) {
    let output = "";
    const onOutput = (text: string) => {
      output += text;
    };
    try {
      const stack = await LocalWorkspace.createOrSelectStack({ stackName, workDir: import.meta.dirname });
      const changes = await operate!(stack, { color: "never", onOutput });
      const told = Object.entries(changes).map(([what, count]) => `${count} ${what}`);
      console.log(`${stackName}: ${told.join(", ") || "nothing"}`);
    } catch (error) {
      process.exitCode = 1;
      // What the engine says of each resource comes last; of a stack that it did not begin with, there is only an error.
      const [, diagnostics] = output.split(/^Diagnostics:$/m);
      const text =
        diagnostics?.split(/^(?:Outputs|Resources):$/m)[0] ?? `${error}`.replace(/^.*?^ *(?:stderr: )?error: /ms, "");
      console.error(`${stackName}: failed\n${text.trim()}`);
    }
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, work));
