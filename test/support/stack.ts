import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { ensureEngine } from "../../scripts/engine/index.ts";
import { checkout } from "../../scripts/setup/paths.ts";
import { nodeEnvironment } from "../../scripts/state/node.ts";
import { type Operation, operationsOf } from "./events.ts";
import { descendants, kill } from "./processes.ts";

export interface StackOptions {
  /** The site's folder. */
  dir: string;
  /** The folder of a program; this project's own, if not given. */
  project: string;
  /** Where the state is; a folder of its own, if not given. */
  backend: string;
  /** The folder of the Node that runs it, as it is; this project's, with what makes that fast, if not given. */
  node: string;
  env: Record<string, string>;
}

/** How a command of the engine ended. */
export interface Run {
  /** Everything that it printed. */
  output: string;
  ok: boolean;
  /** "LxcDomain web" → what was done, or announced, and of which properties. Those that stay the same are left out. */
  operations: Record<string, Operation>;
  /** In the order in which they began: "delete LxcDomain web". */
  order: string[];
  /** Round trips to hosts: for whom, when it began and how long it took (in milliseconds), and what was done. */
  roundTrips: { host: string; names: string[]; at: number; ms: number; steps: string[] }[];
  ms: number;
}

/** A command that is under way. */
export interface Running {
  done: Promise<Run>;
  /** When it has printed a text. */
  printed(text: string): Promise<void>;
  /** SIGKILL to the engine, its language host, its provider, and the connections that they have. */
  kill(): Promise<void>;
}

/** A stack on the real engine. State, passphrase and configuration lie in the site's folder. */
export class Stack {
  name: string;
  readonly #dir: string;
  readonly #project: string;
  readonly #pulumi: string;
  readonly #env: Record<string, string>;
  readonly #secrets: Record<string, object> = {};

  private constructor(name: string, dir: string, project: string, pulumi: string, env: Record<string, string>) {
    this.name = name;
    this.#dir = dir;
    this.#project = project;
    this.#pulumi = pulumi;
    this.#env = env;
  }

  /** The name is no other test's: the stacks of one checkout share a folder, and the lanes of tests run side by side. */
  static async create(name: string, config: object, options: Partial<StackOptions> & { dir: string }): Promise<Stack> {
    const dir = await mkdtemp(join(options.dir, `${name}-`));
    const project = options.project ?? checkout;
    const backend = options.backend ?? join(dir, "state");
    await mkdir(backend, { recursive: true });
    const { pulumi, binDir } = await ensureEngine();
    const node = options.node ?? join(checkout, "node_modules/.bin");
    const path = [join(options.dir, "bin"), node, binDir, process.env.PATH];
    const stack = new Stack(name, dir, project, pulumi, {
      PATH: path.join(delimiter),
      ...(options.node === undefined && nodeEnvironment()),
      PULUMI_HOME: join(options.dir, "home"),
      PULUMI_BACKEND_URL: `file://${backend}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DEBUG_COMMANDS: "true", // for --event-log
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
      PULUMI_OPTION_CONFIG_FILE: join(dir, "config.json"),
      SVIRT_LXC_TRACE: join(dir, "trace"),
      XDG_RUNTIME_DIR: options.dir,
      ...options.env,
    });
    await writeFile(join(dir, "Pulumi.yaml"), await readFile(join(project, "Pulumi.yaml")));
    await execa(pulumi, ["stack", "init", name], { cwd: dir, env: stack.#env });
    await stack.configure(config);
    return stack;
  }

  /** Sets the whole configuration, with the secrets that it names. YAML is a superset of JSON. */
  async configure(config: object): Promise<void> {
    const named = Object.entries(this.#secrets).filter(([key]) =>
      JSON.stringify(config).includes(`"${key.split(":")[1]}"`),
    );
    await writeFile(
      join(this.#dir, "config.json"),
      JSON.stringify({ config: { ...config, ...Object.fromEntries(named) } }),
    );
  }

  /** Sets a secret, now and in later configurations. It is never in an argument. */
  async secret(key: string, value: string): Promise<void> {
    const options = { ...this.#options(), input: value };
    await execa(this.#pulumi, ["config", "set", "--secret", key, "-s", this.name], options);
    const text = await readFile(join(this.#dir, "config.json"), "utf8");
    const [, secure = ""] = new RegExp(`${key}"?:[\\s{]*"?secure"?: *"?([^\\s"]+)`).exec(text)!;
    this.#secrets[key] = { secure };
  }

  /** Runs a program in the folder of the stack, as its pulumi is run. */
  exec(program: string, ...args: string[]): Promise<{ stdout: string; stderr: string; exitCode?: number }> {
    return execa(program, args, { ...this.#options(), reject: false });
  }

  up = (...args: string[]) => this.start("up", "--yes", "--skip-preview", ...args).done;
  preview = (...args: string[]) => this.start("preview", ...args).done;
  refresh = (...args: string[]) => this.start("refresh", "--yes", "--skip-preview", ...args).done;
  destroy = (...args: string[]) => this.start("destroy", "--yes", "--skip-preview", ...args).done;

  /** Nothing to do, after another look at the hosts. */
  async converged(): Promise<Run> {
    const run = await this.preview("--expect-no-changes", "--refresh");
    if (!run.ok) throw new Error(`the stack ${this.name} is not converged:\n${run.output}`);
    return run;
  }

  start(...args: string[]): Running {
    const events = join(this.#dir, "events");
    const trace = join(this.#dir, "trace");
    const began = Date.now();
    let child: ChildProcess | undefined;
    let output = "";
    const listeners = new Set<() => void>();
    const run = async (): Promise<Run> => {
      await Promise.all([events, trace].map((file) => rm(file, { force: true })));
      const all = [
        args[0]!,
        "--diff=false",
        ...args.slice(1),
        "-s",
        this.name,
        "--event-log",
        events,
        "--non-interactive",
      ];
      const started = spawn(this.#pulumi, all, { ...this.#options(), stdio: ["ignore", "pipe", "pipe"] });
      child = started;
      for (const stream of [started.stdout, started.stderr])
        stream.setEncoding("utf8").on("data", (text) => {
          output += text;
          for (const listener of listeners) listener();
        });
      const code = await new Promise((done) => started.once("close", done));
      const lines = async (file: string) => (await readFile(file, "utf8").catch(() => "")).split("\n").filter(Boolean);
      const roundTrips = (await lines(trace)).map((line) => JSON.parse(line));
      return { output, ok: code === 0, roundTrips, ms: Date.now() - began, ...operationsOf(await lines(events)) };
    };
    const done = run();
    const killAll = async () => {
      for (const pid of [child!.pid!, ...descendants(child!.pid!)]) kill(pid);
      await done;
    };
    const printed = (text: string) =>
      new Promise<void>((seen) => {
        listeners.add(() => output.includes(text) && seen());
      });
    return { done, printed, kill: killAll };
  }

  /** Another command of the engine; its stdout. It fails as the command does. */
  async pulumi(...args: string[]): Promise<string> {
    const { extendEnv: _, ...options } = this.#options();
    return (await execa(this.#pulumi, [...args, "-s", this.name], options)).stdout;
  }

  /** Puts a state in the place of the one that there is. */
  async import(state: string): Promise<void> {
    const file = join(this.#dir, "import.json");
    await writeFile(file, state);
    await this.pulumi("stack", "import", "--file", file);
  }

  async rename(name: string): Promise<void> {
    await this.pulumi("stack", "rename", name);
    this.name = name;
  }

  /** The stack's outputs. */
  // biome-ignore lint/suspicious/noExplicitAny: as the program made them
  async outputs(): Promise<any> {
    return JSON.parse(await this.pulumi("stack", "output", "--json"));
  }

  /** What the state holds of each resource, by "LxcDomain web". */
  // biome-ignore lint/suspicious/noExplicitAny: as the engine exports it
  async resources(): Promise<Record<string, any>> {
    const { deployment } = JSON.parse(await this.pulumi("stack", "export"));
    const own = (deployment.resources ?? []).filter((r: { type: string }) => r.type.includes("dynamic/svirt-lxc:"));
    return Object.fromEntries(own.map((r: { urn: string }) => [nameOf(r.urn), r]));
  }

  /** Takes away what is kept of it on this machine, and what its program wrote. */
  async remove(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
    await rm(join(this.#project, ".svirt", this.name), { recursive: true, force: true });
  }

  #options() {
    return { cwd: this.#project, env: { ...(process.env as Record<string, string>), ...this.#env }, extendEnv: false };
  }
}

/** "LxcDomain web" of a URN, or "Command web-0". */
export function nameOf(urn: string): string {
  return /(?:svirt-lxc:(?:index:)?|command:local:)(\w+)::(.*)$/.exec(urn)?.slice(1).join(" ") ?? urn;
}
