import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { execa } from "execa";
import { CONTROLS, QUESTIONS } from "../../../provider/confinement/questions.ts";
import { descendants, kill } from "../processes.ts";

const STAND_INS = join(import.meta.dirname, "bin");

/** Where something can be put in the way of a batch. */
export type Place = "step" | "begin" | "look";

/**
 * A host that costs nothing: mount and process namespaces of this machine, with a store, a libvirt and an SELinux of their own.
 * Shell, mounts, overlays, locks, users and processes are real; see bin/ for what is played.
 * It ends with this process, however that ends, and all that runs in it.
 */
export class Host {
  readonly name: string;
  readonly #dir: string;
  readonly #holder: ChildProcess;
  readonly #pid: number;

  private constructor(name: string, dir: string, holder: ChildProcess, pid: number) {
    this.name = name;
    this.#dir = dir;
    this.#holder = holder;
    this.#pid = pid;
  }

  /** Boots one; the ssh of that lab reaches it by its name. */
  static async boot(lab: string, name: string): Promise<Host> {
    const dir = join(lab, "hosts", name);
    await mkdir(dir, { recursive: true });
    const namespaces = ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child"];
    const boot = ["sh", join(import.meta.dirname, "boot.sh"), STAND_INS];
    const holder = spawn("unshare", [...namespaces, "--", ...boot], {
      env: { ...process.env, SELINUX_CLASSES: selinuxClasses() },
      stdio: ["pipe", "pipe", "inherit"],
    });
    for await (const line of createInterface(holder.stdout)) if (line === "ready") break;
    const pid = Number(readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, "utf8").trim());
    if (!pid) throw new Error(`the host ${name} did not boot`);
    await writeFile(join(dir, "pid"), String(pid));
    return new Host(name, dir, holder, pid);
  }

  /** A path of the host, as this process reaches it. Not below a mount point of a path's last link. */
  path(file: string): string {
    return `/proc/${this.#pid}/root${file}`;
  }

  has(file: string): boolean {
    return existsSync(this.path(file));
  }

  read(file: string): Promise<string> {
    return readFile(this.path(file), "utf8");
  }

  async write(file: string, text: string): Promise<void> {
    await mkdir(dirname(this.path(file)), { recursive: true });
    await writeFile(this.path(file), text);
  }

  /** Has it these packages besides, as its package manager tells; their programs are those of this machine. */
  async addPackages(...names: string[]): Promise<void> {
    await this.write("/mnt/packages", `${await this.read("/mnt/packages")}${names.join("\n")}\n`);
  }

  /** Runs a script there as root, with what is played first on its PATH; returns what it printed. */
  async sh(script: string): Promise<string> {
    const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    const args = ["--target", String(this.#pid), "--mount", "--pid", "env", path, "LC_ALL=C", "sh", "-c", script];
    return (await execa("nsenter", args, { stdin: "ignore" })).stdout;
  }

  /** The commands of plans that were come to since the last call, each after "locked" or "free": whether under the host's lock. */
  async steps(): Promise<string[]> {
    const text = this.has("/mnt/steps") ? await this.read("/mnt/steps") : "";
    await rm(this.path("/mnt/steps"), { force: true });
    return text.split("\n").filter(Boolean);
  }

  /** Whether new connections are refused. */
  async reachable(is: boolean): Promise<void> {
    if (is) await rm(join(this.#dir, "down"), { force: true });
    else await writeFile(join(this.#dir, "down"), "");
  }

  /** Whether a new login is closed, while the connection that there is works. */
  async closed(is: boolean): Promise<void> {
    if (is) await writeFile(join(this.#dir, "closed"), "");
    else await rm(join(this.#dir, "closed"), { force: true });
  }

  /** How long a round trip of the link to it takes, in milliseconds. */
  async delay(ms: number): Promise<void> {
    await writeFile(join(this.#dir, "delay"), `${(2 * ms) / 1000}\n`);
  }

  /** Ends the connections that there are. What they started goes on, until it notices. */
  async cut(): Promise<void> {
    const pids = (await readdir(join(this.#dir, "connections"))).map(Number);
    for (const pid of pids) for (const client of descendants(pid)) kill(client);
  }

  /** Ends, by force, all that was started by a connection, but not what libvirt or systemd run. */
  async killBatches(): Promise<void> {
    const others = [
      `$1 != 1 && !($2 == 1 && $4 == "cat") && $1 != self && $2 != self`,
      `$4 !~ /^(libvirt_lxc|systemd)$/ && !index(units, " " $3 " ")`,
    ].join(" && ");
    await this.sh(
      `units=" $(cat /run/systemd/transient/*.session 2>/dev/null | tr '\\n' ' ')"
      /usr/bin/ps -eo pid=,ppid=,sid=,comm= | awk -v self=$$ -v units="$units" '${others} {print $1}' | xargs -r kill -9 2>/dev/null || true`,
    );
    await rm(this.path("/mnt/blocked"), { force: true });
  }

  /** From now on, the N-th step of a plan, the N-th first one of a batch, or the N-th look, does not go well; see bin/timeout. */
  fault(of: Place, n: number, what: string): Promise<void> {
    return this.write(`/mnt/fault.${of}`, `${n} ${what}\n`);
  }

  /** Takes a fault back that was not come to. */
  async mend(): Promise<boolean> {
    const faults = ["step", "begin", "look"].map((of) => `/mnt/fault.${of}`);
    const waiting = faults.some((fault) => this.has(fault));
    for (const fault of faults) await rm(this.path(fault), { force: true });
    return waiting;
  }

  /** Waits until a step blocks; false if the other ends before. */
  async blocked(other: Promise<unknown>): Promise<boolean> {
    const ended = endOf(other);
    while (!ended() && !this.has("/mnt/blocked")) await setTimeout(10);
    return this.has("/mnt/blocked");
  }

  /** Waits until something waits for a lock; that the other ends first is an error. */
  async waited(other: Promise<unknown>, command = "flock -w 3600"): Promise<void> {
    const ended = endOf(other);
    while (!(await this.sh("ps -eo args=")).split("\n").some((line) => line.startsWith(command))) {
      if (ended()) throw new Error(`nothing waits on ${this.name} by ${command}`);
      await setTimeout(100);
    }
  }

  /** Waits until no batch runs any more: one whose listener was killed goes on until it notices. */
  async idle(): Promise<void> {
    while ((await this.sh("ls -d /run/svirt-lxc/batch.* 2>/dev/null || true")) !== "") await setTimeout(100);
  }

  /** Lets the blocked step go on, and waits until it does. */
  async go(): Promise<void> {
    await this.write("/mnt/go", "");
    while (this.has("/mnt/go")) await setTimeout(10);
  }

  /** Restarts it, see reboot.sh: connections break, what was started by one ends, and none is taken for a moment. */
  async restart(): Promise<void> {
    await this.reachable(false);
    await this.cut();
    await this.killBatches();
    await this.sh(await readFile(join(import.meta.dirname, "reboot.sh"), "utf8"));
    await this.reachable(true);
  }

  /** Restarts it when it was asked to, and the batch that asked has reported; false if the other ends before. */
  async restartWhenAsked(other: Promise<unknown>): Promise<boolean> {
    const ended = endOf(other);
    const timer = "/run/systemd/transient/svirt-lxc-reboot.timer";
    let asking: string[] | undefined;
    const hasReported = async () => {
      if (!this.has(timer)) return false;
      asking ??= await readdir(join(this.#dir, "connections"));
      if ((await this.sh("ls -d /run/svirt-lxc/batch.* 2>/dev/null || true")) !== "") return false;
      return !asking.some((pid) => existsSync(`/proc/${pid}`)); // one that was killed has left its file
    };
    while (!(await hasReported())) {
      if (ended() && !this.has(timer)) return false;
      await setTimeout(10);
    }
    await this.restart();
    return true;
  }

  async stop(): Promise<void> {
    const ended = new Promise((done) => this.#holder.once("close", done));
    this.#holder.kill("SIGKILL");
    await ended;
  }
}

/** Tells whether something has come to its end. */
function endOf(work: Promise<unknown>): () => boolean {
  let ended = false;
  const end = () => {
    ended = true;
  };
  work.then(end, end);
  return () => ended;
}

/** The classes that the policy is asked about, a line each: its number, what a container certainly may (hexadecimal), and permissions. */
function selinuxClasses(): string {
  const classes = new Map<string, string[]>();
  for (const { class: name, permissions } of [...QUESTIONS, ...CONTROLS]) {
    const known = classes.get(name) ?? [];
    classes.set(name, [...new Set([...known, ...(permissions === "all" ? [] : permissions)])]);
  }
  return [...classes]
    .map(([name, permissions], i) => {
      const may = CONTROLS.filter((control) => control.class === name).flatMap((control) => control.permissions);
      const bits = may.reduce((set, permission) => set | (1 << permissions.indexOf(permission)), 0);
      return [i + 1, name, bits.toString(16), ...permissions.map((permission, n) => `${permission}:${n + 1}`)].join(
        " ",
      );
    })
    .join("\n");
}
