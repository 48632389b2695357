import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { cached } from "../../../scripts/setup/cache.ts";
import { ensurePrograms } from "../../../scripts/setup/packages.ts";
import { step } from "../../../scripts/setup/progress.ts";
import { run } from "../../../scripts/setup/run.ts";

/** The last release whose control node takes the Python 3.11 of Debian 12. */
export const ANSIBLE = "2.19.14";

const PLAYBOOK = join(import.meta.dirname, "playbook");

/** ansible-core from the Python package registry, in the cache folder. */
async function ensureAnsible(): Promise<string> {
  await ensurePrograms("ansible", { python3: "python3", pip3: "python3-pip" });
  return cached({
    name: "ansible",
    recipe: { version: ANSIBLE },
    build: (dir) =>
      step(`ansible-core ${ANSIBLE}`, async () => {
        const args = ["install", "--quiet", "--no-warn-script-location", "--target", dir, `ansible-core==${ANSIBLE}`];
        await run("/usr/bin/python3", ["-m", "pip", ...args]);
      }),
  });
}

/** A playbook for one stand-in host. */
export class Playbook {
  readonly #dir: string;
  readonly #env: Record<string, string>;

  private constructor(dir: string, env: Record<string, string>) {
    this.#dir = dir;
    this.#env = env;
  }

  /** `site` is the folder of the host's site. */
  static async create(site: string, host: string): Promise<Playbook> {
    const dir = await mkdtemp(join(site, "ansible-"));
    await writeFile(join(dir, "inventory"), `${host} ansible_python_interpreter=/usr/bin/python3\n`);
    return new Playbook(dir, {
      PYTHONPATH: await ensureAnsible(),
      ANSIBLE_HOME: dir,
      ANSIBLE_PIPELINING: "true",
      ANSIBLE_SSH_EXECUTABLE: join(PLAYBOOK, "ssh"),
      ANSIBLE_NOCOLOR: "true",
      HOST: join(site, "hosts", host),
    });
  }

  /** Runs it; milliseconds, and how many tasks have changed something. */
  async play(variables: object): Promise<{ ms: number; changed: number }> {
    const file = join(this.#dir, "variables.yml");
    // Texts are texts, and no templates.
    await writeFile(file, JSON.stringify(variables).replaceAll('":"', '": !unsafe "'));
    const args = ["-i", join(this.#dir, "inventory"), "-e", `@${file}`, join(PLAYBOOK, "site.yml")];
    const began = performance.now();
    const { stdout } = await execa("/usr/bin/python3", ["-m", "ansible", "playbook", ...args], { env: this.#env });
    const [, changed] = /^\S+ +: ok=\d+ +changed=(\d+) /m.exec(stdout) ?? [];
    return { ms: performance.now() - began, changed: Number(changed) };
  }
}
