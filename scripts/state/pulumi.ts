import { execa } from "execa";
import { ensureEngine } from "../engine/index.ts";
import { checkout } from "../setup/paths.ts";
import { say } from "../setup/progress.ts";
import { run } from "../setup/run.ts";
import { type Environment, hasOwnBackend, pulumiEnvironment, stateDir } from "./environment.ts";
import { stacksLockedByTheDead } from "./stale-locks.ts";

/** The engine with this checkout's environment. */
export interface Pulumi {
  /** Runs it on the user's terminal, and returns its exit code. */
  show(args: string[], env?: Environment): Promise<number>;
  /** Runs it quietly, and returns its stdout. */
  run(args: string[], options?: { cwd?: string; env?: Environment; input?: string }): Promise<string>;
}

/** The engine, ready to work on this checkout's stacks: on the user's backend where there is one, else on ours. */
export async function openPulumi(ours = !hasOwnBackend()): Promise<Pulumi> {
  const engine = await ensureEngine();
  const folder = ours ? stateDir : undefined;
  const environment = await pulumiEnvironment(engine, folder);
  const pulumi: Pulumi = {
    async show(args, env = {}) {
      // A terminal's Ctrl-C reaches the engine itself, which then stops in good order: wait for it.
      const wait = () => {};
      process.on("SIGINT", wait);
      const options = { cwd: checkout, env: { ...environment, ...env }, stdio: "inherit", reject: false } as const;
      const { exitCode } = await execa(engine.pulumi, args, options);
      process.off("SIGINT", wait);
      return exitCode ?? 255;
    },
    run: (args, { cwd = checkout, env = {}, input } = {}) =>
      run(engine.pulumi, ["--non-interactive", ...args], { cwd, env: { ...environment, ...env }, input }),
  };
  if (folder) await releaseStaleLocks(pulumi, folder);
  return pulumi;
}

// The file backend never releases the lock of an engine that was killed.
async function releaseStaleLocks(pulumi: Pulumi, folder: string): Promise<void> {
  for (const stack of await stacksLockedByTheDead(folder)) {
    say(`· stack ${stack}: releasing the lock of an engine that has died`);
    await pulumi.run(["cancel", "--yes", "--stack", stack]);
  }
}
