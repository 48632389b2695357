import type { Host } from "../host/host.ts";
import { Site } from "../host/site.ts";
import type { Run, Stack } from "../stack.ts";
import { changed, equalContainers, succeeded, TOGETHER } from "./containers.ts";

/** The operations whose growth is measured. */
export const OPERATIONS = [
  "first up",
  "nothing to do",
  "refresh",
  "change of one",
  "change of all",
  "destroy",
] as const;
export type OperationName = (typeof OPERATIONS)[number];

/** A number of equal containers on one stand-in host, and what was measured of them. */
export class Level {
  readonly count: number;
  readonly site: Site;
  readonly host: Host;
  readonly stack: Stack;
  readonly runs: Record<OperationName, Run[]> = {
    "first up": [],
    "nothing to do": [],
    refresh: [],
    "change of one": [],
    "change of all": [],
    destroy: [],
  };
  #memoryOfOne = 512;

  private constructor(count: number, site: Site, host: Host, stack: Stack) {
    this.count = count;
    this.site = site;
    this.host = host;
    this.stack = stack;
  }

  static async create(count: number): Promise<Level> {
    const site = await Site.create();
    return new Level(count, site, await site.host(), await site.stack(`bench${count}`, {}));
  }

  async measure(name: OperationName): Promise<Run> {
    const run = await this.#run(name);
    this.runs[name].push(run);
    return run;
  }

  times(name: OperationName): number[] {
    return this.runs[name].map(({ ms }) => ms);
  }

  end(): Promise<void> {
    return this.site.end();
  }

  async #run(name: OperationName): Promise<Run> {
    switch (name) {
      case "first up":
        await this.#configure("512MiB");
        return succeeded(this.stack.up(...TOGETHER));
      case "nothing to do":
        return changed(0, this.stack.up(...TOGETHER));
      case "refresh":
        return changed(0, this.stack.refresh(...TOGETHER));
      case "change of one":
        this.#memoryOfOne += 64;
        await this.#configure("512MiB");
        return changed(1, this.stack.up(...TOGETHER));
      case "change of all":
        this.#memoryOfOne = 1024;
        await this.#configure("1GiB");
        return changed(this.count, this.stack.up(...TOGETHER));
      case "destroy":
        return succeeded(this.stack.destroy(...TOGETHER));
    }
  }

  async #configure(memory: string): Promise<void> {
    const first = { memory: `${this.#memoryOfOne}MiB` };
    await this.stack.configure(this.site.config(equalContainers(this.count, { memory }, first)));
  }
}
