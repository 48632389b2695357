import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testLabDir } from "../lab.ts";
import { keepHostPrepared } from "../lab-keeper.ts";
import { insideOf, makeLoginKey } from "../login.ts";
import { Stack } from "../stack.ts";
import { ensureServersArchive } from "./archive.ts";
import { type Server, USER } from "./server.ts";

/** A container on the lab host that has all of the server software. */
export class ServersLife {
  stack!: Stack;
  /** Runs a command in it. */
  readonly inside: (command: string) => Promise<{ stdout: string }>;

  constructor(name: string) {
    let dir: string;
    let key: string;
    const inside = insideOf(
      () => this.stack,
      () => key,
    );
    this.inside = (command) => inside("web", command);

    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), `svirt-lxc-${name}-`));
      await ensureServersArchive(testLabDir);
      await keepHostPrepared();
      key = await makeLoginKey(dir);
      const web = { host: "lab", image: "servers", authorizedKeys: [`${key}.pub`], memory: "1536MiB" };
      this.stack = await Stack.create(
        name,
        {
          "svirt-lxc:hosts": { lab: { ssh: "lab", sshConfig: ".lab-test/ssh_config" } },
          "svirt-lxc:images": { servers: { archive: ".lab-test/servers.tar.gz" } },
          "svirt-lxc:containers": { web },
        },
        { dir },
      );
      await this.up();
      await this.inside(`useradd -m -s /bin/bash ${USER} && echo ${USER}:word | chpasswd`);
    }, 40 * 60_000);

    afterAll(async () => {
      await this.stack.destroy();
      await this.stack.remove();
      await rm(dir, { recursive: true });
    }, 20 * 60_000);
  }

  async up(): Promise<void> {
    const { ok, output } = await this.stack.up();
    expect(ok ? "" : output).toBe("");
  }

  /** Starts one, gives it its request until that ends well, and stops it; what it printed then, or the last time. */
  async ask({ start = "true", request, stop }: Server): Promise<string> {
    const again = `for i in $(seq 300); do said=$( { ${request}\n} 2>&1) && break; sleep 0.2; done; printf %s "$said"`;
    const { stdout } = await this.inside(`{ ${start}\n} >/dev/null && ${again}`).catch((error) => ({
      stdout: String(error),
    }));
    if (stop) await this.inside(stop);
    return stdout;
  }
}
