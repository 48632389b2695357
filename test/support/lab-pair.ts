import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lab } from "../../lab/index.ts";
import { MAY_BE_ATTACKED } from "../../provider/attacks/attack-containers.ts";
import { labTest } from "./lab.ts";
import { labConfig } from "./lab-config.ts";
import { keepHostPrepared } from "./lab-keeper.ts";
import { type Inside, insideOf, makeLoginKey } from "./login.ts";
import { type Run, Stack } from "./stack.ts";

/** Two containers of a stack on the prepared lab host, `web` and `db`: for tests that leave them as they were, or say what they are. */
export class LabPair {
  stack!: Stack;
  /** Who has the private half of it logs in. */
  key = "";
  readonly inside: Inside;
  /** What is declared of web besides, and is so on the host; undefined if that is not known. */
  #web: object | undefined;

  constructor(name: string) {
    let dir: string;
    this.inside = insideOf(
      () => this.stack,
      () => this.key,
    );
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), `svirt-lxc-${name}-`));
      await keepHostPrepared();
      this.key = await makeLoginKey(dir);
      this.stack = await Stack.create(name, this.#config({}), { dir });
    }, 20 * 60_000);
    afterAll(async () => {
      await this.stack.destroy();
      await this.stack.remove();
      await rm(dir, { recursive: true });
    }, 20 * 60_000);
  }

  /** Both run, and this is declared of web besides; what was done for that. */
  async have(web: object = {}): Promise<Run["operations"]> {
    if (JSON.stringify(web) === JSON.stringify(this.#web)) return {};
    this.#web = undefined;
    await this.stack.configure(this.#config(web));
    const operations = await this.up();
    this.#web = web;
    return operations;
  }

  async up(): Promise<Run["operations"]> {
    const { ok, output, operations } = await this.stack.up();
    expect(ok ? "" : output).toBe("");
    return operations;
  }

  /** A test that begins with both of them running, also if the one before it failed. */
  event(name: string, work: (lab: Lab) => Promise<unknown>): void {
    labTest(name, async (lab) => {
      const web = this.#web ?? {};
      await this.have(web);
      this.#web = undefined;
      await work(lab);
      this.#web = web;
    });
  }

  #config(web: object): object {
    const common = {
      host: "lab",
      image: "base",
      authorizedKeys: [`${this.key}.pub`],
      memory: "256MiB",
      files: { [MAY_BE_ATTACKED]: { content: "" } },
    };
    return labConfig({ web: { ...common, ...web }, db: common });
  }
}
