import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Stack, type StackOptions } from "../stack.ts";
import { makeArchive } from "./archive.ts";
import { Host } from "./host.ts";

/** A workstation's view of a test: its hosts, its archive, its stacks. All of it goes with the test. */
export class Site {
  readonly dir: string;
  readonly archive: string;
  readonly #hosts: Host[] = [];
  readonly #stacks: Stack[] = [];

  private constructor(dir: string) {
    this.dir = dir;
    this.archive = join(dir, "base.tar");
  }

  static async create(): Promise<Site> {
    const site = new Site(await mkdtemp(join(tmpdir(), "svirt-lxc-site-")));
    await mkdir(join(site.dir, "bin"));
    await copyFile(join(import.meta.dirname, "ssh"), join(site.dir, "bin/ssh"));
    await makeArchive(site.archive);
    return site;
  }

  /** Boots a host, which is reached by `ssh: name`. */
  async host(name = "alpha"): Promise<Host> {
    const host = await Host.boot(this.dir, name);
    this.#hosts.push(host);
    return host;
  }

  async stack(name: string, config: object, options: Partial<StackOptions> = {}): Promise<Stack> {
    const stack = await Stack.create(name, config, { dir: this.dir, ...options });
    this.#stacks.push(stack);
    return stack;
  }

  /** The configuration of this project for containers on the host alpha. */
  config(containers: Record<string, object>, more: { alpha?: object; base?: object } = {}): Record<string, object> {
    const full = Object.entries(containers).map(([name, c]) => [name, { host: "alpha", image: "base", ...c }]);
    return {
      "svirt-lxc:hosts": { alpha: { ssh: "alpha", ...more.alpha } },
      "svirt-lxc:images": { base: { archive: this.archive, ...more.base } },
      "svirt-lxc:containers": Object.fromEntries(full),
    };
  }

  async end(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.stop()));
    for (const stack of this.#stacks) await stack.remove();
    await rm(this.dir, { recursive: true, force: true });
  }
}
