/** What every error of a host says. */
export interface Problem {
  /** Which problem it is: stable, kebab-case. */
  code: string;
  what: string;
  /** The step, the host, the command with its secrets left out. */
  where?: string;
  /** Exit code and last lines, a denial, the verdict. */
  why?: string;
  remedy?: string;
}

/** An error that a user can act upon. It has no stack: the mistake is not in our code. */
export class HostError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(describe(problem));
    this.name = "svirt-lxc";
    this.problem = problem;
    // Pulumi prints the stack of what a provider throws.
    this.stack = "";
  }
}

function describe({ what, where, why, remedy }: Problem): string {
  const line = (title: string, text?: string) =>
    text ? `\n  ${title}: ${text.trim().replaceAll("\n", "\n    ")}` : "";
  return what + line("where", where) + line("why", why) + line("remedy", remedy);
}
