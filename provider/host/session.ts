import { appendFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import {
  type Batch,
  EXIT_LOCK_TIMEOUT,
  type Observation,
  OtherMachine,
  parse,
  type Read,
  type Report,
  type Restart,
  type Results,
  script,
  timeLimit,
} from "./batch.ts";
import { type Connection, hostName } from "./connection.ts";
import { HostError, type Problem } from "./errors.ts";
import { disconnect, runScript, type ScriptResult } from "./transport.ts";

/** sshd refuses the eleventh session of a connection (MaxSessions); this leaves room for a person's own. */
const MAX_SESSIONS = 8;

/** While a host restarts: seconds that one attempt to reach it may take, and milliseconds until the next one. */
const CONNECT_TIMEOUT = 10;
const POLL_INTERVAL = 1000;

/** Everything that this process does on one host. */
export class Session {
  readonly host: string;
  readonly #connection: Connection;
  #running = 0;
  #waiting: (() => void)[] = [];
  #opened: Promise<unknown> | undefined;
  #acted = false;
  #snapshot: Promise<Results> | undefined;
  #machine: string | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.host = hostName(connection);
  }

  /**
   * One round trip. Throws a HostError when the batch did not report: then what the host did is unknown.
   * `names` are those who ask, in progress lines and in the trace.
   */
  async run(batch: Batch, ...names: string[]): Promise<Report> {
    await this.#enter();
    const at = Date.now();
    try {
      // The first one opens the connection that the others share.
      const opening = this.#opened;
      const result = (opening ?? Promise.resolve()).then(() => this.#runScript(batch, names));
      this.#opened ??= result.catch(() => {
        this.#opened = undefined;
      });
      return await result;
    } finally {
      trace({ host: this.host, names, at, ms: Date.now() - at, steps: (batch.steps ?? []).map(({ id }) => id) });
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  /** The machine-id(5) of the host, as it is known or was first seen: a name may come to lead to another machine. */
  get machine(): string | undefined {
    return this.#machine;
  }

  /** Says which machine the host is, as far as state knows. From now on no other one is looked at or changed under its name. */
  expect(machine: string | undefined): void {
    if (machine === undefined) return;
    if (this.#machine !== undefined && this.#machine !== machine) throw this.#otherMachine(this.#machine, machine);
    this.#machine = machine;
  }

  /** Looks at the host, in one round trip. */
  async observe(reads: Read[], ...names: string[]): Promise<Observation> {
    this.#acted = true;
    return (await this.run({ reads }, ...names)).observation;
  }

  /** Looks once at a host, for all who ask until something is changed. */
  snapshot(reads: Read[]): Promise<Results> {
    this.#snapshot ??= this.run({ reads }, "refresh").then(({ observation }) => observation.results);
    return this.#snapshot;
  }

  /** Has a resource been made, changed or removed here, or was one about to be? */
  get hasActed(): boolean {
    return this.#acted;
  }

  /** What a snapshot says is no longer so. */
  changed(): void {
    this.#acted = true;
    this.#snapshot = undefined;
  }

  /**
   * Waits until the host is in another boot than `before`, and ready. Each look is a login of its own: the shared connection was
   * one to the former boot. That no login succeeds means nothing yet, whatever the reason.
   */
  async awaitBoot(before: string | undefined, { ready, timeout }: Restart, label: string): Promise<void> {
    const minutes = Math.ceil(timeout / 60);
    console.log(`${label}: Waiting until ${this.host} has restarted, at most ${minutes} min`);
    await disconnect(this.#connection);
    this.#opened = undefined;
    const deadline = performance.now() + timeout * 1000;
    for (;;) {
      const missing = await this.#missingOfBoot(before, ready, label);
      if (missing === undefined) return;
      if (performance.now() > deadline) {
        throw new HostError({
          code: "not-back",
          what: `${label}: the host ${this.host} is not back ${minutes} min after its restart began`,
          where: wayTo(this.#connection),
          why: missing,
          remedy:
            "nothing more is done to it. Wait until it lets you in (its console shows what it does; large disks take their time), " +
            "then run the same command again: it continues where this one stopped",
        });
      }
      await delay(POLL_INTERVAL);
    }
  }

  /** Why a host that restarts is not back yet. */
  async #missingOfBoot(before: string | undefined, ready: string[], label: string): Promise<string | undefined> {
    const read: Read = { key: "ready", argv: ready, volatile: true };
    try {
      const { boot, observation } = await this.#runScript({ reads: [read] }, [label], true);
      const { exit, stdout, stderr } = observation.results.get("ready")!;
      if (boot === before) return "it has not restarted yet";
      return exit === 0 ? undefined : `${stdout}${stderr}`.trim() || `exit code ${exit}`;
    } catch (error) {
      if (!(error instanceof HostError) || error.problem.code === "other-machine") throw error;
      return error.problem.why ?? error.problem.what;
    }
  }

  async #runScript(batch: Batch, names: string[], isRestarting = false): Promise<Report> {
    const steps = batch.steps ?? [];
    const [first] = names;
    const label = names.length > 1 ? `${first} and ${names.length - 1} more` : first;
    const login = steps.find((s) => s.connection === "new");
    let step: string | undefined;
    const result = await runScript(this.#connection, script({ ...batch, machine: this.#machine }), {
      upload: steps.find((s) => s.upload !== undefined)?.upload,
      newConnection: login !== undefined || isRestarting,
      connectTimeout: isRestarting ? CONNECT_TIMEOUT : undefined,
      timeout: timeLimit(batch),
      onProgress: (line, resource = label) => {
        step = line;
        console.log(`${resource}: ${line}`);
      },
    });
    if (result.exit === 0) return this.#parse(result.stdout, batch);
    if (result.exit === EXIT_LOCK_TIMEOUT) {
      throw new HostError({
        code: "host-in-use",
        what: `${label}: the host ${this.host} was in use all the time`,
        why: result.stderr.trim(),
        remedy: "see what that run waits for, and end it if nobody needs it; then run the same command again",
      });
    }
    const problem = unreachable(this.host, this.#connection, result, step);
    if (login === undefined) throw new HostError(problem);
    const what = `${label}: the host ${this.host} gives no new login at the step "${login.title}"`;
    throw new HostError({ ...problem, code: "login-failed", what, remedy: login.remedy ?? problem.remedy });
  }

  #parse(stdout: Buffer, batch: Batch): Report {
    try {
      const report = parse(stdout, batch);
      this.#machine ??= report.machine;
      return report;
    } catch (error) {
      if (error instanceof OtherMachine) throw this.#otherMachine(error.machine, this.#machine!);
      throw new HostError({
        code: "no-report",
        what: `the host ${this.host} answered, but not with a report`,
        why: (error as Error).message,
        remedy: "let its shell print nothing at a login without a terminal (a greeting in .bashrc?)",
      });
    }
  }

  #otherMachine(is: string, was: string): HostError {
    return new HostError({
      code: "other-machine",
      what: `${this.host} is another machine than before; nothing was done there`,
      where: wayTo(this.#connection),
      why: `its machine-id is ${is || "missing"}; what was made before is on the machine ${was}`,
      remedy:
        "correct the connection, so that it leads to the machine it led to; declare the other one as a host of another name. " +
        "If the machine was installed anew, and what was on it is lost: take that out of the state with `pulumi state delete URN`",
    });
  }

  async #enter(): Promise<void> {
    if (this.#running >= MAX_SESSIONS) await new Promise<void>((go) => this.#waiting.push(go));
    this.#running++;
  }
}

/** The command that reaches a host. */
function wayTo({ ssh, sshConfig }: Connection): string {
  const config = sshConfig === undefined ? "" : `-F ${sshConfig} `;
  return ssh === undefined ? "sh" : `ssh ${config}${ssh}`;
}

/** ssh says 255 of a host that it cannot reach and of a connection that breaks: that a step was announced tells them apart. */
function unreachable(
  host: string,
  connection: Connection,
  { exit, stderr }: ScriptResult,
  step: string | undefined,
): Problem {
  const by = wayTo(connection);
  return {
    code: step === undefined && exit === 255 ? "unreachable" : "connection-lost",
    what:
      step !== undefined
        ? `the connection to ${host} broke at the step "${step}"`
        : exit === 255
          ? `cannot reach the host ${host}`
          : `the connection to ${host} broke`,
    where: by,
    why: [exit === undefined ? "ended by a signal or a timeout" : `exit code ${exit}`, stderr.trim()]
      .filter(Boolean)
      .join("\n"),
    remedy: /sudo/.test(stderr)
      ? "log in as root, or let the user run sudo without a password"
      : `make \`${by} true\` work without a prompt, then run the same command again: it continues where this one stopped. ` +
        "To leave the host out: `pulumi up --refresh=false --target URN …` with what is on the others. " +
        "If it has got a new name: declare that, and run `pulumi up --refresh=false` once",
  };
}

/** One line per round trip, for those who count them: SVIRT_LXC_TRACE names the file. */
function trace(entry: object): void {
  const file = process.env.SVIRT_LXC_TRACE;
  if (file) appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

const sessions = new Map<string, Session>();

/** The session of a host: one per process, shared by all resources. */
export function sessionOf(connection: Connection): Session {
  const key = JSON.stringify([connection.ssh, connection.sshConfig]);
  const session = sessions.get(key) ?? new Session(connection);
  sessions.set(key, session);
  return session;
}
