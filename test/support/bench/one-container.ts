import { execa } from "execa";
import type { Stack } from "../stack.ts";
import { succeeded } from "./containers.ts";
import type { Recorder } from "./recorded.ts";

/** The first up of a container, and the same commands as one shell script. */
export class OneContainer {
  readonly #stack: Stack;
  readonly #ssh: readonly string[];
  readonly #up: string;
  readonly #destroy: string;

  private constructor(stack: Stack, ssh: readonly string[], up: string, destroy: string) {
    this.#stack = stack;
    this.#ssh = ssh;
    this.#up = up;
    this.#destroy = destroy;
  }

  /** Records an up and a destroy of a stack. `ssh` is the argv that runs a command on its host. */
  static async record(stack: Stack, recorder: Recorder, ssh: readonly string[]): Promise<OneContainer> {
    const up = await recorder.scriptOf(() => succeeded(stack.up()));
    const destroy = await recorder.scriptOf(() => succeeded(stack.destroy()));
    return new OneContainer(stack, ssh, up, destroy);
  }

  /** Milliseconds of an up by us, and of the script; the container is removed after each. */
  async round(): Promise<{ ours: number; script: number }> {
    const ours = (await succeeded(this.#stack.up())).ms;
    await succeeded(this.#stack.destroy());
    const script = await this.#run(this.#up);
    await this.#run(this.#destroy);
    return { ours, script };
  }

  async #run(script: string): Promise<number> {
    const began = performance.now();
    const [command = "", ...args] = this.#ssh;
    const shell = "env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C sh -s";
    await execa(command, [...args, shell], { input: script });
    return performance.now() - began;
  }
}
