import { Site } from "../support/host/site.ts";
import type { Run, Stack } from "../support/stack.ts";

/**
 * What our share of an operation takes: the real engine, the real batches, on a host whose libvirt and systemd are played and
 * take no time. Nothing is asserted of the times. They are printed, the median of some rounds, beside the round trips, which
 * cost a real host's distance each.
 */

const ROUNDS = 5;

let site: Site;
let stack: Stack;

beforeAll(async () => {
  site = await Site.create();
  await site.host();
  stack = await site.stack("bench", {});
});

afterAll(() => site.end());

test.each([1, 12])(
  "%i containers",
  async (count) => {
    const config = (more: object = {}) =>
      stack.configure(site.config(Object.fromEntries(Array.from({ length: count }, (_, i) => [`c${i}`, more]))));
    /** In this order, a round: each begins where the one before ended. */
    const operations: Record<string, () => Promise<Run>> = {
      "first up": () => config().then(() => stack.up()),
      "up, nothing to do": () => stack.up(),
      preview: () => stack.preview(),
      refresh: () => stack.refresh(),
      "up, other memory": () => config({ memory: "1GiB" }).then(() => stack.up()),
      "up, other hostname": () => config({ memory: "1GiB", hostname: "www" }).then(() => stack.up()),
      destroy: () => stack.destroy(),
    };
    const runs: Record<string, Run[]> = {};
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, run] of Object.entries(operations)) {
        const done = await run();
        expect(done.ok ? "" : done.output).toBe("");
        runs[name] = [...(runs[name] ?? []), done];
      }
    }
    const lines = Object.entries(runs).map(([name, of]) => {
      const [ms, trips] = [median(of.map((run) => run.ms)), median(of.map((run) => run.roundTrips.length))];
      return `${name.padEnd(20)} ${(ms / 1000).toFixed(1).padStart(6)} s ${String(trips).padStart(4)} round trips\n`;
    });
    process.stderr.write(`${count} on one host, median of ${ROUNDS}:\n${lines.join("")}`);
  },
  3_600_000,
);

function median(numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}
