import { hostTime, tripsFor } from "./containers.ts";
import { type Figure, median, type Section, seconds, spread } from "./figures.ts";
import { type Level, OPERATIONS, type OperationName } from "./level.ts";

/** Those that touch each container. */
const OF_ALL: readonly OperationName[] = ["first up", "change of all", "refresh", "nothing to do", "destroy"];

/** What operations take at some numbers of containers. */
export function growthSection(levels: readonly Level[]): Section {
  const [least, most] = [levels[0]!, levels.at(-1)!];
  const from = `${most.count} containers on a host`;
  const compared: Figure[] = [
    ...OF_ALL.map((name) => ({
      what: `${name}, a container, ${from}`,
      against: `the same with ${least.count}`,
      place: "stand-in host" as const,
      unit: "×",
      goal: { most: 1.1 },
      samples: [median(each(most, name)) / median(each(least, name))],
    })),
    {
      what: `change of one, beyond nothing to do, ${from}`,
      against: `the same with ${least.count}`,
      place: "stand-in host",
      unit: "×",
      goal: { most: 1.1 },
      samples: [median(ofOne(most)) / median(ofOne(least))],
    },
  ];
  const trips: Figure[] = OPERATIONS.map((name) => ({
    what: `${name}: round trips for ${from}, without waits`,
    against: "counted",
    place: "stand-in host",
    unit: "",
    goal: { most: 6 },
    samples: most.runs[name].map(tripsFor),
  }));
  return {
    id: "growth",
    title: "Growth with the number of containers on a host",
    figures: [...(levels.length > 1 ? compared : []), ...trips],
    table: {
      head: ["operation", "containers", "time", "time a container", "of it the host's", "round trips"],
      rows: OPERATIONS.flatMap((name) =>
        levels.map((level) => [
          name,
          String(level.count),
          seconds(level.times(name)),
          `${(median(each(level, name)) / 1000).toFixed(3)} s`,
          seconds(level.runs[name].map(hostTime)),
          spread(level.runs[name].map(({ roundTrips }) => roundTrips.length)),
        ]),
      ),
    },
    growth: Object.fromEntries(
      OPERATIONS.map((name) => [name, levels.map((level) => [level.count, median(level.times(name)) / 1000] as const)]),
    ),
  };
}

function each(level: Level, name: OperationName): number[] {
  return level.times(name).map((ms) => ms / level.count);
}

/** What a change of one takes longer than the same with nothing to do, in the same round. */
function ofOne(level: Level): number[] {
  const nothing = level.times("nothing to do");
  return level.times("change of one").map((ms, i) => ms - nothing[i]!);
}
