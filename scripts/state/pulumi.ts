import { rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { execa } from "execa";
import { ensureEngine } from "../engine/index.ts";
import { checkout } from "../setup/paths.ts";
import { say } from "../setup/progress.ts";
import { run } from "../setup/run.ts";
import { type Environment, pulumiEnvironment, stateDir } from "./environment.ts";
import { locksOfTheDead } from "./stale-locks.ts";

/** The engine with this checkout's environment. */
export interface Pulumi {
  /** Runs it on the user's terminal, and returns its exit code. */
  show(args: string[], env?: Environment): Promise<number>;
  /** Runs it quietly, and returns its stdout. */
  run(args: string[], options?: { cwd?: string; env?: Environment; input?: string }): Promise<string>;
}

/** The engine, ready to work on this checkout's stacks: on the backend of ours, or on the one that the user is logged in to. */
export async function openPulumi(ours: boolean): Promise<Pulumi> {
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
  if (folder) await releaseStaleLocks(folder);
  return pulumi;
}

// The file backend never releases the lock of an engine that was killed. `pulumi cancel` would take those of the living, too.
async function releaseStaleLocks(folder: string): Promise<void> {
  for (const lock of await locksOfTheDead(folder)) {
    say(`· stack ${basename(dirname(lock))}: releasing the lock of an engine that has died`);
    await rm(lock, { force: true });
  }
}
