import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lab } from "../../lab/index.ts";
import { labTest } from "./lab.ts";
import { labConfig } from "./lab-config.ts";
import { type Inside, insideOf, makeLoginKey } from "./login.ts";
import { Stack } from "./stack.ts";

/** The root password of each container. */
export const PASSWORD = "correct horse battery staple";

/** The life of a container on the lab host, a test an event. Each finds what it needs, whatever ran before it, or failed. */
export class LabLife {
  readonly name: string;
  dir = "";
  stack!: Stack;
  /** What is declared of the container `web`. */
  web: object = {};
  readonly login: (command: string) => ReturnType<Inside>;
  /** What is declared, and is so on the host; undefined if that is not known. */
  #current: object | undefined = {};

  constructor(name: string) {
    this.name = name;
    let key: string;
    const inside = insideOf(
      () => this.stack,
      () => key,
    );
    this.login = (command) => inside("web", command);
    beforeAll(async () => {
      this.dir = await mkdtemp(join(tmpdir(), "svirt-lxc-lab-"));
      key = await makeLoginKey(this.dir);
      this.web = { host: "lab", image: "base", authorizedKeys: [`${key}.pub`], rootPasswordSecret: "password" };
      this.stack = await Stack.create(name, this.config({ web: this.web }), { dir: this.dir });
      await this.stack.secret("svirt-lxc:password", PASSWORD);
    });
    afterAll(async () => {
      await this.stack.destroy();
      await this.stack.remove();
      await rm(this.dir, { recursive: true });
    });
  }

  config(containers: object): object {
    return labConfig(containers);
  }

  nothing = () => ({});
  one = () => ({ web: this.web });
  /** One container, whatever is declared of it. */
  any = () => (this.#current && "web" in this.#current ? this.#current : this.one());

  /** A test that begins with just these containers, and leaves those that it returns, or the same. */
  event(name: string, containers: () => object, work: (lab: Lab) => Promise<unknown>): void {
    labTest(name, async (lab) => {
      const wanted = containers();
      await this.#have(wanted);
      this.#current = undefined;
      this.#current = ((await work(lab)) as object | undefined) ?? wanted;
    });
  }

  async #have(containers: object): Promise<void> {
    if (JSON.stringify(containers) === JSON.stringify(this.#current)) return;
    await this.stack.configure(this.config(containers));
    const { ok, output } = Object.keys(containers).length > 0 ? await this.stack.up() : await this.stack.destroy();
    expect(ok ? "" : output).toBe("");
  }

  /** SIGKILL to engine and provider when a step is announced; then what `npm run pulumi` does with the lock that is left. */
  async killedAt(step: string, operation: "up" | "destroy"): Promise<void> {
    const running = this.stack.start(operation, "--yes", "--skip-preview");
    await Promise.race([running.printed(step), running.done]);
    await running.kill();
    expect((await running.done).ok).toBe(false);
    await this.stack.pulumi("cancel", "--yes");
  }
}
