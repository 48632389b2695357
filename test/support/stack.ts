import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { ensureEngine } from "../../scripts/engine/index.ts";
import { checkout } from "../../scripts/setup/paths.ts";

/** One round trip to a host, as the provider traces it. */
export interface RoundTrip {
  label: string;
  steps: string[];
}

/** How an engine's command ended. */
export interface Run {
  /** Everything that it printed. */
  output: string;
  ok: boolean;
  roundTrips: RoundTrip[];
  /** Resource name → what was done: "create", "update", "delete", "same", … */
  operations: Record<string, string>;
}

/** A stack on the real engine, in a folder of its own: state, passphrase and configuration go with the test. */
export class Stack {
  readonly name: string;
  readonly #dir: string;
  readonly #project: string;
  readonly #pulumi: string;
  readonly #env: Record<string, string>;

  private constructor(name: string, dir: string, project: string, pulumi: string, env: Record<string, string>) {
    this.name = name;
    this.#dir = dir;
    this.#project = project;
    this.#pulumi = pulumi;
    this.#env = env;
  }

  /** `project` is the folder of a program; without it, it is this project's own. */
  static async create(name: string, config: object, project = checkout): Promise<Stack> {
    const dir = await mkdtemp(join(tmpdir(), "svirt-lxc-stack-"));
    const { pulumi, binDir } = await ensureEngine();
    const stack = new Stack(name, dir, project, pulumi, {
      PATH: [join(checkout, "node_modules/.bin"), binDir, process.env.PATH].join(delimiter),
      PULUMI_HOME: join(dir, "home"),
      PULUMI_BACKEND_URL: `file://${dir}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
      PULUMI_OPTION_CONFIG_FILE: join(dir, "config.json"),
      SVIRT_LXC_TRACE: join(dir, "trace"),
    });
    // The engine writes the stack's configuration beside the project when it makes a stack, but not beside this one.
    await writeFile(join(dir, "Pulumi.yaml"), await readFile(join(project, "Pulumi.yaml")));
    await execa(pulumi, ["stack", "init", name], { cwd: dir, env: stack.#env });
    await stack.configure(config);
    return stack;
  }

  /** Sets the whole configuration. YAML is a superset of JSON. */
  async configure(config: object): Promise<void> {
    await writeFile(join(this.#dir, "config.json"), JSON.stringify({ config }));
  }

  up = (...args: string[]): Promise<Run> => this.#run(["up", "--yes", "--skip-preview", ...args]);
  preview = (...args: string[]): Promise<Run> => this.#run(["preview", ...args]);
  refresh = (...args: string[]): Promise<Run> => this.#run(["refresh", "--yes", "--skip-preview", ...args]);
  destroy = (...args: string[]): Promise<Run> => this.#run(["destroy", "--yes", "--skip-preview", ...args]);

  /** The stack's outputs. */
  // biome-ignore lint/suspicious/noExplicitAny: as the program made them
  async outputs(): Promise<any> {
    const { stdout } = await execa(this.#pulumi, ["stack", "output", "--json", "-s", this.name], this.#options());
    return JSON.parse(stdout);
  }

  /** The state as it is stored. */
  async checkpoint(): Promise<string> {
    const { stdout } = await execa(this.#pulumi, ["stack", "export", "-s", this.name], this.#options());
    return stdout;
  }

  async remove(): Promise<void> {
    await rm(this.#dir, { recursive: true });
    for (const file of ["ssh_config", "known_hosts"]) {
      await rm(join(this.#project, ".svirt", `${this.name}.${file}`), { force: true });
    }
  }

  #options() {
    return { cwd: this.#project, env: this.#env };
  }

  async #run(args: string[]): Promise<Run> {
    await rm(join(this.#dir, "trace"), { force: true });
    const options = { ...this.#options(), reject: false, all: true } as const;
    const { all, exitCode } = await execa(this.#pulumi, [...args, "-s", this.name, "--diff=false"], options);
    const trace = await readFile(join(this.#dir, "trace"), "utf8").catch(() => "");
    return {
      output: all,
      ok: exitCode === 0,
      roundTrips: trace
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
      operations: operationsOf(all),
    };
  }
}

// " ~  pulumi-nodejs:dynamic/svirt-lxc:LxcDomain web updated (22s)"; the last line of a resource tells.
function operationsOf(output: string): Record<string, string> {
  const operations: Record<string, string> = {};
  for (const line of output.split("\n")) {
    const [, kind, name, verb] = /dynamic\/svirt-lxc:(\w+) (\S+) (\w+)/.exec(line) ?? [];
    const operation = verb && /^(create|update|replace|delete)/.exec(verb)?.[1];
    if (kind && operation) operations[`${kind} ${name}`] = operation;
  }
  return operations;
}
