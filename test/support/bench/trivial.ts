import { join } from "node:path";
import { checkout } from "../../../scripts/setup/paths.ts";
import type { Site } from "../host/site.ts";
import type { Run, Stack } from "../stack.ts";
import { changed, succeeded, TOGETHER } from "./containers.ts";

/** A stack of resources that do nothing, in the shape of that of so many containers on a host. */
export class TrivialStack {
  readonly #stack: Stack;

  private constructor(stack: Stack) {
    this.#stack = stack;
  }

  static async create(site: Site, containers: number): Promise<TrivialStack> {
    const stack = await site.stack(
      "trivial",
      { "trivial:containers": containers },
      {
        project: join(checkout, "test/support/bench/trivial"),
        env: { PULUMI_SKIP_CHECKPOINTS: "true" }, // making it is not measured, and rewriting the state takes long
      },
    );
    await succeeded(stack.up(...TOGETHER));
    return new TrivialStack(stack);
  }

  nothingToDo(): Promise<Run> {
    return changed(0, this.#stack.up(...TOGETHER));
  }
}
