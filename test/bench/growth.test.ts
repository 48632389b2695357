import { type Floor, floorSection } from "../support/bench/floor.ts";
import { growthSection } from "../support/bench/growth.ts";
import { Level } from "../support/bench/level.ts";
import { measureProvider, providerSection } from "../support/bench/provider.ts";
import { record } from "../support/bench/report.ts";
import { TrivialStack } from "../support/bench/trivial.ts";

/** More and more containers on one host, and as many trivial resources on the same engine. */

/** How often what can be repeated is: large hosts take long. The last ones are left out where they would take too long. */
const LEVELS = [
  { count: 50, rounds: 5 },
  { count: 100, rounds: 3 },
  { count: 200, rounds: 3 },
  { count: 500, rounds: 3 },
];
/** For all of them, in milliseconds. */
const BUDGET = 20 * 60_000;

test("growth", async () => {
  const end = performance.now() + BUDGET;
  const done: Level[] = [];
  const floors: Floor[] = [];
  let aContainer = 0;
  for (const { count, rounds } of LEVELS) {
    const began = performance.now();
    if (began + count * aContainer > end) {
      process.stderr.write(
        `${count} containers would take ${Math.ceil((count * aContainer) / 60_000)} min: left out\n`,
      );
      break;
    }
    const level = await Level.create(count);
    try {
      await level.measure("first up");
      const trivial = await TrivialStack.create(level.site, count);
      const floor: Floor = { level, trivial: [] };
      for (let round = 0; round < rounds; round++) {
        await level.measure("nothing to do");
        floor.trivial.push((await trivial.nothingToDo()).ms);
        await level.measure("refresh");
        await level.measure("change of one");
      }
      floors.push(floor);
      record(floorSection(floors));
      record(providerSection(await measureProvider(level, trivial)));
      await level.measure("change of all");
      await level.measure("destroy");
      done.push(level);
      record(growthSection(done));
    } finally {
      await level.end();
    }
    aContainer = (performance.now() - began) / count;
  }
}, 3_600_000);
