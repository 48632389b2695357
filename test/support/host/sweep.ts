import { type Disturbance, distinctPlaceOf, disturbed, owners } from "./disturb.ts";
import { Life, type State } from "./life.ts";
import type { Leg, Round } from "./rounds.ts";
import { batches } from "./snapshot.ts";

const HOURS = 6 * 3_600_000;

/**
 * Each step of each leg, disturbed in each way, a test a way: the error says what to do, the state names what exists, the next
 * run makes the host as if nothing had happened. What was disturbed and what leaked is told at the end of each way.
 */
export function sweep({ name, legs }: Round, ways: readonly Disturbance[]): void {
  let counts = { disturbed: 0, leaks: 0 };
  let life: Life;
  let at: State = "nothing";

  /** Undisturbed; what is not as it should be afterwards. */
  const reach = async (state: State): Promise<string[]> => {
    const run = await life.reach(state);
    at = state;
    if (!run.ok) return [run.output];
    const left = await batches(life.host);
    return [...(await life.unlike(state)), ...(left === "" ? [] : [`a batch's folder is left: ${left}`])];
  };

  /** One disturbance; what it left that it should not. Undefined if there is no such step: then it went through. */
  const once = async (
    { from, to, after, rescue }: Leg,
    step: number,
    what: Disturbance,
  ): Promise<string[] | undefined> => {
    const { host, stack } = life;
    if (at !== from) await reach(from);
    if (after) await host.sh(after);
    const run = await disturbed(host, stack, await life.want(to), step, what, distinctPlaceOf(what));
    if (!run) {
      at = to;
      return undefined;
    }
    const wrong: string[] = [];
    counts.disturbed++;
    if (!what.startsWith("kill")) {
      // There are looks that nobody needs.
      const isFine = what === "blind" && run.ok;
      if (!isFine && !run.output.includes("remedy:")) wrong.push(`its error has no remedy:\n${run.output}`);
      const state = Object.keys(await stack.resources());
      wrong.push(...(await owners(host, stack.name)).filter((o) => !state.includes(o)).map((o) => `state lacks ${o}`));
    }
    const leaks = await reach(rescue ? "nothing" : to);
    if (leaks.length > 0) counts.leaks++;
    return [...wrong, ...leaks.slice(0, 5)];
  };

  beforeAll(async () => {
    // Each worker has its own: the stacks of one checkout share a folder, a folder a name in it.
    life = await Life.begin(`sweep${process.env.JEST_WORKER_ID}`);
  }, HOURS);

  afterAll(() => life.end());

  test.each(ways)(
    "%s",
    async (what) => {
      counts = { disturbed: 0, leaks: 0 };
      const failures: string[] = [];
      const through = new Set<Leg>();
      for (let step = 1; through.size < legs.length; step++) {
        for (const leg of legs) {
          if (through.has(leg)) continue;
          const wrong = await once(leg, step, what);
          if (!wrong) through.add(leg);
          else if (wrong.length > 0) failures.push(report(`${what}, ${leg.from} to ${leg.to}, step ${step}`, wrong));
        }
      }
      process.stderr.write(`sweep of ${name}, ${what}: ${counts.disturbed} disturbed, ${counts.leaks} leaks\n`);
      expect(failures.join("\n")).toBe("");
    },
    HOURS,
  );
}

/** Said at once: the end is an hour away. */
function report(where: string, wrong: string[]): string {
  const text = `${where}: ${wrong.join("\n  ")}\n`;
  process.stderr.write(text);
  return text;
}
