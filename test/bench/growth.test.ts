import { floorSection } from "../support/bench/floor.ts";
import { growthSection } from "../support/bench/growth.ts";
import { Level } from "../support/bench/level.ts";
import { measureProvider, providerSection } from "../support/bench/provider.ts";
import { record } from "../support/bench/report.ts";
import { TrivialStack } from "../support/bench/trivial.ts";

/** More and more containers on one host, and, where the stack has about 100 and 1000 resources, what the engine's floor is. */

const HOUR = 3_600_000;
/** How often what can be repeated is: large hosts take long. */
const LEVELS: readonly { count: number; rounds: number; againstTrivial?: boolean }[] = [
  { count: 50, rounds: 5, againstTrivial: true },
  { count: 100, rounds: 3 },
  { count: 200, rounds: 3 },
  { count: 500, rounds: 3, againstTrivial: true },
];

const done: Level[] = [];
const floors: Parameters<typeof floorSection>[0][number][] = [];

test.each(LEVELS)(
  "$count containers on one host",
  async ({ count, rounds, againstTrivial }) => {
    const level = await Level.create(count);
    try {
      await level.measure("first up");
      const trivial = againstTrivial ? await TrivialStack.create(level.site, count) : undefined;
      const floor = { level, trivial: [] as number[] };
      for (let round = 0; round < rounds; round++) {
        await level.measure("nothing to do");
        if (trivial) floor.trivial.push((await trivial.nothingToDo()).ms);
        await level.measure("refresh");
        await level.measure("change of one");
      }
      if (trivial) {
        floors.push(floor);
        record(floorSection(floors));
        record(providerSection(await measureProvider(level, trivial)));
      }
      await level.measure("change of all");
      await level.measure("destroy");
      done.push(level);
      record(growthSection(done));
    } finally {
      await level.end();
    }
  },
  HOUR,
);
