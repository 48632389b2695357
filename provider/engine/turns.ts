import { isDeepStrictEqual } from "node:util";
import type { Observation, Outcome, Read, Report, Results, Step } from "../host/batch.ts";
import { HostError } from "../host/errors.ts";
import type { Session } from "../host/session.ts";
import { withRecordsOf } from "../host/store.ts";
import { failedStep, Incomplete } from "./failure.ts";
import { uniqueReads } from "./observe.ts";

/** Others may change the host between our look and our lock; each time we plan anew from what they left. */
const MAX_ROUNDS = 20;
/** Rounds after which one goes alone: what keeps changing may be only what somebody else in its batch has to look at. */
const SHARED_ROUNDS = 3;

/** What one resource does under the host's lock. */
export interface Turn {
  /** "LxcRootfs" */
  kind: string;
  /** "LxcRootfs web" */
  name: string;
  /** Who takes the lock. */
  owner: string;
  reads: Read[];
  /** The steps to do next, by what there is; none: its turn is over. Throws if it must not be. Called as often as it takes. */
  next(results: Results): Step[];
  /** All of them succeeded; the host was like this afterwards. */
  done(steps: Step[], observation: Observation): void;
  /** What to say of a step that failed, and what the host was like then, if that is known. */
  failure(failed: { step: Step; outcome: Outcome }, observation?: Observation): Error;
}

interface Waiting {
  turn: Turn;
  /** In how many batches it was. */
  rounds: number;
  resolve(last: Observation): void;
  reject(error: unknown): void;
}

/** What a turn puts into a batch. */
interface Share {
  waiting: Waiting;
  steps: Step[];
}

/**
 * The turns of this process at one host. Those that arrive while the host is busy go together: one look for all of them, then one
 * batch of each kind, under one lock, with the steps of each in turn. Each is planned as if those before it had written down what
 * they are about to: slots, disks, claims of what is shared. So none behind a step that failed is done; they are planned anew, from
 * what there is.
 */
export class Turns {
  readonly #session: Session;
  #arrived: Waiting[] = [];
  #pending: Waiting[] = [];
  #isServing = false;
  /** What was seen last since all of them are here, and the looks of it. */
  #last: { reads: Read[]; observation: Observation } | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Resolves, with what the host is like then, when nothing is left to do. */
  take(turn: Turn): Promise<Observation> {
    return new Promise((resolve, reject) => {
      this.#arrived.push({ turn, rounds: 0, resolve, reject });
      if (!this.#isServing) void this.#serve();
    });
  }

  async #serve(): Promise<void> {
    this.#isServing = true;
    await new Promise((go) => setImmediate(go));
    for (;;) {
      this.#admit();
      if (this.#pending.length === 0) break;
      await this.#round().catch((error) => {
        for (const { reject } of this.#pending.splice(0)) reject(error);
      });
    }
    this.#isServing = false;
  }

  /** Lets in those who have come. What was seen before is too old for them. */
  #admit(): boolean {
    if (this.#arrived.length === 0) return false;
    this.#last = undefined;
    this.#pending.push(...this.#arrived.splice(0));
    return true;
  }

  /** Looks, unless what was seen last will do, and does what is next for each. */
  async #round(): Promise<void> {
    if (this.#last && !isCovered(this.#reads(), this.#last.reads)) this.#last = undefined;
    if (!this.#last) {
      let last = await this.#look();
      // Those who came meanwhile go along, for one more look: Pulumi sends them one by one.
      if (this.#admit()) last = await this.#look();
      this.#last = last;
    }
    const { reads, observation } = this.#last;
    const left = this.#decide(this.#next(), observation);
    if (left.length === 0) return;
    const shares = this.#plan(left, observation);
    if (shares.length === 0) throw new Error(`no plan of ${namesOf(left).join(", ")} comes out twice the same`);
    await this.#do(shares, reads, observation);
  }

  /** Those whose turn it is: all, or one who was in many batches already. */
  #next(): Waiting[] {
    const often = this.#pending.find(({ rounds }) => rounds >= SHARED_ROUNDS);
    return often ? [often] : this.#pending;
  }

  #reads(): Read[] {
    return uniqueReads(this.#next().flatMap(({ turn }) => turn.reads));
  }

  async #look() {
    const reads = this.#reads();
    return { reads, observation: await this.#session.observe(reads, ...namesOf(this.#next())) };
  }

  /**
   * Ends the turns that have nothing left to do, or must not do it, by what is there; returns the others. What must not be done
   * because of something that one in front may be about to remove is not refused yet.
   */
  #decide(next: Waiting[], observation: Observation): Waiting[] {
    const left: Waiting[] = [];
    for (const waiting of [...next]) {
      try {
        if (waiting.turn.next(observation.results).length > 0) left.push(waiting);
        else this.#end(waiting, () => waiting.resolve(observation));
      } catch (error) {
        if (left.length === 0) this.#end(waiting, () => waiting.reject(error));
        else left.push(waiting);
      }
    }
    return left;
  }

  /** What each does next, as far as it goes into one batch: of one kind, and of each resource once. */
  #plan(next: Waiting[], { results }: Observation): Share[] {
    const shares: Share[] = [];
    let foreseen = results;
    for (const waiting of next) {
      const { kind, name } = waiting.turn;
      const others = shares.map(({ waiting }) => waiting.turn);
      if (others.some((other) => other.kind !== kind || other.name === name)) continue;
      const steps = stepsOrNone(() => waiting.turn.next(foreseen));
      // A host that restarts ends its batch.
      if (steps.some(({ restart }) => restart)) return shares.length > 0 ? shares : [{ waiting, steps }];
      if (steps.length > 0) shares.push({ waiting, steps });
      foreseen = withRecordsOf(steps, foreseen);
    }
    return shares;
  }

  async #do(shares: Share[], reads: Read[], { digest: expect }: Observation): Promise<void> {
    this.#last = undefined;
    this.#session.changed();
    const all = shares.map(({ waiting }) => waiting);
    const steps = shares.flatMap(({ waiting, steps }) =>
      steps.map((step) => ({ ...step, resource: waiting.turn.name })),
    );
    const lock = { holder: all[0]!.turn.owner, expect };
    const report = await this.#session.run({ reads, steps, lock }, ...namesOf(all)).catch((error) => {
      // What the host did is unknown: it may have done all of it. Each has an error of its own: what is recorded goes with it.
      const unknown = () => (error instanceof HostError ? new Incomplete(error.problem, undefined) : error);
      for (const waiting of all) this.#end(waiting, () => waiting.reject(unknown()));
    });
    if (!report) return;
    this.#last = { reads, observation: report.observation };
    if (!report.stale) await this.#tell(shares, report);
    // Before others are let in, for whom it is too old.
    if (this.#last)
      this.#decide(
        this.#pending.filter((waiting) => all.includes(waiting)),
        report.observation,
      );
    this.#countRounds(all);
    // What has changed may be what only others had to look at.
    if (report.stale && !isDeepStrictEqual(reads, this.#reads())) this.#last = undefined;
  }

  #countRounds(all: Waiting[]): void {
    for (const waiting of all)
      if (++waiting.rounds >= MAX_ROUNDS)
        this.#end(waiting, () => waiting.reject(keepsChanging(waiting.turn.name, this.#session.host)));
  }

  /** Tells each what became of its steps. */
  async #tell(shares: Share[], { outcomes, observation, boot }: Report): Promise<void> {
    let rest = outcomes;
    for (const { waiting, steps } of shares) {
      const own = rest.slice(0, steps.length);
      rest = rest.slice(steps.length);
      const failed = failedStep(steps, own);
      if (failed) this.#end(waiting, () => waiting.reject(waiting.turn.failure(failed, observation)));
      else if (own.length === steps.length) {
        waiting.turn.done(steps, observation);
        await this.#restart(waiting, steps, boot);
      }
    }
  }

  async #restart(waiting: Waiting, steps: Step[], boot: string | undefined): Promise<void> {
    const restart = steps.at(-1)?.restart;
    if (!restart) return;
    this.#last = undefined;
    await this.#session
      .awaitBoot(boot, restart, waiting.turn.name)
      .catch((error) => this.#end(waiting, () => waiting.reject(error)));
    this.#session.changed();
  }

  #end(waiting: Waiting, tell: () => void): void {
    this.#pending = this.#pending.filter((other) => other !== waiting);
    tell();
  }
}

/** Do looks tell all that others would? */
function isCovered(wanted: Read[], reads: Read[]): boolean {
  return isDeepStrictEqual(uniqueReads([...reads, ...wanted]), reads);
}

/** What it would do; nothing yet, if those before it are in its way until they are done. */
function stepsOrNone(next: () => Step[]): Step[] {
  try {
    return next();
  } catch {
    return [];
  }
}

const namesOf = (waiting: Waiting[]) => waiting.map(({ turn }) => turn.name);

function keepsChanging(name: string, host: string): HostError {
  return new HostError({
    code: "host-keeps-changing",
    what: `${name}: the host changed ${MAX_ROUNDS} times between looking and acting`,
    where: host,
    remedy: "find out what else changes it (another stack, a script), then run the same command again",
  });
}

const ofSessions = new WeakMap<Session, Turns>();

/** The turns at the host of a session. */
export function turnsOf(session: Session): Turns {
  const turns = ofSessions.get(session) ?? new Turns(session);
  ofSessions.set(session, turns);
  return turns;
}
