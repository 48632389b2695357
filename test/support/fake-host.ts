import type { Batch, Observation, Outcome, Read, Report, Results, Step } from "../../provider/host/batch.ts";
import { Session } from "../../provider/host/session.ts";
import { idsOf } from "./plans.ts";
import { printed } from "./recorded.ts";

/** A host that holds things by name. Its commands: add NAME, remove NAME, and whatever a test gives it. */
export class FakeHost extends Session {
  readonly things = new Set<string>();
  /** One entry a round trip: what it did. */
  readonly trips: string[] = [];
  /** What a step does besides, by what identifies it. */
  readonly on = new Map<string, () => Partial<Outcome> | undefined>();
  /** What the look at the host prints instead. */
  look: (() => Outcome) | undefined;
  /** The looks of a snapshot; all print the same. */
  keys = ["things"];
  /** The look that is another each time. */
  changing: string | undefined;
  #changes = 0;
  /** Called when it has restarted. */
  restarted: () => unknown = () => {};
  /** Called before each round trip. */
  meanwhile: (trip: number) => unknown = () => {};

  constructor(...things: string[]) {
    super({ ssh: "fake" });
    for (const thing of things) this.things.add(thing);
  }

  override async run({ reads, steps = [], lock }: Batch): Promise<Report> {
    this.meanwhile(this.trips.length);
    const stale = lock !== undefined && lock.expect !== this.#observe(reads).digest;
    const outcomes: Outcome[] = [];
    for (const step of stale ? [] : steps) {
      const outcome = this.#execute(step);
      outcomes.push(outcome);
      if (!(step.ok ?? [0]).includes(outcome.exit)) break;
    }
    const what = steps.length === 0 ? "look" : idsOf(steps).join(", ");
    this.trips.push(`${stale ? "stale: " : lock ? "locked: " : ""}${what}`);
    return { observation: this.#observe(reads), outcomes, stale, boot: "this" };
  }

  override async awaitBoot(before: string | undefined): Promise<void> {
    this.trips.push(`waits for a boot after ${before}`);
    this.restarted();
  }

  override async snapshot(): Promise<Results> {
    this.trips.push("snapshot");
    return this.#observe().results;
  }

  #observe(reads: readonly Read[] = []): Observation {
    const changes = reads.some(({ key }) => key === this.changing) ? ++this.#changes : 0;
    const outcome = this.look?.() ?? printed([...this.things].sort().join("\n"));
    const keys = reads.length > 0 ? reads.map(({ key }) => key) : this.keys;
    return { results: new Map(keys.map((key) => [key, outcome])), digest: JSON.stringify([outcome, changes]) };
  }

  #execute(step: Step): Outcome {
    const [command, name = ""] = step.argv;
    const special = this.on.get(idsOf([step])[0]!)?.();
    if (special?.exit === undefined && command === "add") this.things.add(name);
    if (special?.exit === undefined && command === "remove") this.things.delete(name);
    return { ...printed(""), ...special };
  }
}
