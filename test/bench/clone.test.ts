import { CloneSource } from "../support/bench/clone.ts";
import { median, ratios, seconds } from "../support/bench/figures.ts";
import { PreparedLab } from "../support/bench/lab-host.ts";
import { record } from "../support/bench/report.ts";

/** A root of an image, by mounts, against a copy that is labelled file by file. */

/** How many times the small root of the lab is in an image, and how often each way is measured: about 200 MB and 2 GB. */
const SOURCES = [
  { copies: 1, rounds: 5 },
  { copies: 13, rounds: 2 },
];

let prepared: PreparedLab;

beforeAll(async () => {
  prepared = await PreparedLab.start();
}, 3_600_000);

afterAll(() => prepared.stop());

test("clone and label", async () => {
  const measured: { size: string; mounted: number[]; copied: number[] }[] = [];
  for (const { copies, rounds } of SOURCES) {
    const source = await CloneSource.create(prepared.lab, copies);
    await source.mounted(); // what the kernel loads for the first one
    const mounted: number[] = [];
    const copied: number[] = [];
    for (let round = 0; round < rounds; round++) {
      mounted.push(await source.mounted());
      copied.push(await source.copied());
    }
    measured.push({ size: `${source.megabytes} MB`, mounted, copied });
  }
  const [small, large] = measured;
  record(
    {
      id: "clone",
      title: "Clone and label a root",
      figures: [
        ...measured.map(({ size, mounted, copied }) => ({
          what: `clone and label, root of ${size}`,
          against: "cp -a and chcon -R",
          place: "lab host" as const,
          unit: "× faster",
          goal: { least: 50 },
          samples: ratios(copied, mounted),
        })),
        {
          what: `the same, ${large!.size}`,
          against: small!.size,
          place: "lab host",
          unit: "×",
          goal: { most: 1.2 },
          samples: [median(large!.mounted) / median(small!.mounted)],
        },
      ],
      table: {
        head: ["root", "ours", "cp -a and chcon -R"],
        rows: measured.map(({ size, mounted, copied }) => [size, seconds(mounted), seconds(copied)]),
      },
    },
    await prepared.versions(),
  );
}, 3_600_000);
