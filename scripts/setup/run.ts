import { ExecaError, execa } from "execa";

const tailLines = 25;

/** Where and with what a command runs. */
export interface RunOptions {
  cwd?: string;
  env?: Record<string, string | undefined>;
  input?: string;
}

/** Runs a command quietly and returns its stdout; a failure is an Error with the last lines of its output. */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  try {
    const { stdout } = await execa(file, args, { input: "", ...options, all: true });
    return stdout;
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    throw new Error([error.shortMessage, tail(String(error.all ?? ""))].filter(Boolean).join("\n"), { cause: error });
  }
}

/** Where a program stands on PATH, or nothing. */
export async function which(program: string): Promise<string | undefined> {
  const { stdout, failed } = await execa("sh", ["-c", 'command -v -- "$1"', "sh", program], { reject: false });
  return failed ? undefined : stdout.trim();
}

function tail(text: string): string {
  return text.trimEnd().split("\n").slice(-tailLines).join("\n");
}
