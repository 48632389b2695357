import type { Pulumi } from "./pulumi.ts";

/** The stack that a command line works on: the one that it names, else the selected one, if any. */
export async function stackOf(args: string[], pulumi: Pulumi): Promise<string | undefined> {
  const named = namedStack(args);
  if (named) return named;
  const selected = await pulumi.run(["stack", "--show-name"]).catch(() => "");
  return selected.trim() || undefined;
}

/** The stack that a command line or the environment names, without its organization and project. */
export function namedStack(args: string[]): string | undefined {
  return (stackArgument(args) ?? process.env.PULUMI_STACK)?.split("/").at(-1);
}

function stackArgument(args: string[]): string | undefined {
  for (const [index, arg] of args.entries()) {
    const [, value] = /^(?:--stack=|-s=?)(.+)$/.exec(arg) ?? [];
    if (value) return value;
    if (arg === "--stack" || arg === "-s") return args[index + 1];
  }
  // `stack rm NAME` takes it without an option
  const [command, verb, ...rest] = args;
  return command === "stack" && verb === "rm" ? rest.find((arg) => !arg.startsWith("-")) : undefined;
}
