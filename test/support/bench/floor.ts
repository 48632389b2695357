import { hostTime } from "./containers.ts";
import { type Figure, ratios, type Section, seconds } from "./figures.ts";
import type { Level } from "./level.ts";

/** Resources of a stack besides those of its containers, of which each has two: those of the host, and the image. */
const OF_HOST = 5;

/** What was measured of containers, and in the same rounds of trivial resources, in milliseconds. */
export interface Floor {
  level: Level;
  trivial: number[];
}

/** Nothing to do, against trivial resources in the same shape. */
export function floorSection(measured: readonly Floor[]): Section {
  const rows = measured.map(({ level, trivial }) => {
    const runs = level.runs["nothing to do"];
    const own = runs.map((run) => run.ms - hostTime(run));
    return { resources: 2 * level.count + OF_HOST, ms: runs.map(({ ms }) => ms), own, trivial };
  });
  const figure = (what: string, samples: number[]): Figure => ({
    what,
    against: "trivial dynamic resources",
    place: "stand-in host",
    unit: "×",
    goal: { most: 1.2 },
    samples,
  });
  return {
    id: "floor",
    title: "Nothing to do, against trivial dynamic resources in the same shape",
    figures: rows.flatMap(({ resources, ms, own, trivial }) => [
      figure(`nothing to do, ${resources} resources`, ratios(ms, trivial)),
      figure(`the same, without the time of the host's look`, ratios(own, trivial)),
    ]),
    table: {
      head: ["resources", "ours", "without the host's look", "trivial"],
      rows: rows.map(({ resources, ms, own, trivial }) => [
        String(resources),
        seconds(ms),
        seconds(own),
        seconds(trivial),
      ]),
    },
  };
}
