import { execa } from "execa";
import { ENVIRONMENT } from "../../../provider/host/transport.ts";
import type { Stack } from "../stack.ts";
import { succeeded } from "./containers.ts";
import { median, type Place, ratios, type Section, seconds } from "./figures.ts";
import type { Recorder } from "./recorded.ts";

/** Times in milliseconds, over a link with a delay, and the goal. */
export interface FirstUps {
  delay: number;
  most: number;
  ours: number[];
  script: number[];
}

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

  async rounds(count: number): Promise<Pick<FirstUps, "ours" | "script">> {
    const times: Pick<FirstUps, "ours" | "script"> = { ours: [], script: [] };
    for (let round = 0; round < count; round++) {
      times.ours.push((await succeeded(this.#stack.up())).ms);
      await succeeded(this.#stack.destroy());
      times.script.push(await this.#run(this.#up));
      await this.#run(this.#destroy);
    }
    return times;
  }

  async #run(script: string): Promise<number> {
    const began = performance.now();
    const [command = "", ...args] = this.#ssh;
    await execa(command, [...args, `env -i ${ENVIRONMENT} sh -s`], { input: script });
    return performance.now() - began;
  }
}

/** Of links from the quickest on. */
export function firstUpSection(id: string, place: Place, measured: readonly FirstUps[]): Section {
  const [first] = measured;
  return {
    id,
    title: `First up on the ${place}, against a shell script`,
    figures: measured.map(({ delay, most, ours, script }) => ({
      what: `first up of one container, host prepared${delay > 0 ? `, link of ${delay} ms` : ""}`,
      against: `the same commands as one shell script${delay > 0 ? ", same link" : ""}`,
      place,
      unit: "×",
      goal: { most },
      samples: ratios(ours, script),
    })),
    table: {
      head: ["round trip of the link", "ours", "the script", "added to ours", "added to the script"],
      rows: measured.map((one) => [
        `${one.delay} ms`,
        seconds(one.ours),
        seconds(one.script),
        ...(one === first ? ["", ""] : [added(one.ours, first!.ours), added(one.script, first!.script)]),
      ]),
    },
  };
}

/** What a link adds to a time without it. */
function added(ms: readonly number[], without: readonly number[]): string {
  return seconds([median(ms) - median(without)]);
}
