import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureArchives } from "../../../lab/base.ts";
import { type Lab, startLab } from "../../../lab/index.ts";
import { ensurePackages } from "../../../scripts/setup/packages.ts";
import { testLabDir } from "../lab.ts";
import { labConfig } from "../lab-config.ts";
import { Stack, type StackOptions } from "../stack.ts";
import { equalContainers, succeeded } from "./containers.ts";

/** The lab host, prepared: it has a container of the image that those measured have. For the rows that need a real kernel. */
export class PreparedLab {
  readonly lab: Lab;
  readonly dir: string;
  readonly #stacks: Stack[] = [];

  private constructor(lab: Lab, dir: string) {
    this.lab = lab;
    this.dir = dir;
  }

  static async start(): Promise<PreparedLab> {
    await ensurePackages();
    await ensureArchives(testLabDir);
    const lab = await startLab({ dir: testLabDir, fresh: true, owner: process.pid });
    const prepared = new PreparedLab(lab, await mkdtemp(join(tmpdir(), "svirt-lxc-lab-")));
    const keeper = await prepared.stack("bench-keeper", equalContainers(1));
    await succeeded(keeper.up());
    return prepared;
  }

  async stack(name: string, containers: Record<string, object>, options: Partial<StackOptions> = {}): Promise<Stack> {
    const full = Object.entries(containers).map(([name, c]) => [name, { host: "lab", image: "base", ...c }]);
    const stack = await Stack.create(name, labConfig(Object.fromEntries(full)), { dir: this.dir, ...options });
    this.#stacks.push(stack);
    return stack;
  }

  /** Versions of what it runs. */
  async versions(): Promise<Record<string, string>> {
    const { stdout } = await this.lab.ssh(
      "uname -r; virsh -c lxc:/// version --daemon | sed -n 's/^Running against daemon: //p'",
    );
    const [kernel = "", libvirt = ""] = stdout.split("\n");
    return { "lab: Linux": kernel, libvirt, "run by": this.lab.accelerator };
  }

  async stop(): Promise<void> {
    await this.lab.stop();
    for (const stack of this.#stacks) await stack.remove();
    await rm(this.dir, { recursive: true, force: true });
  }
}
