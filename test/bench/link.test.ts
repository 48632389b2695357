import { join } from "node:path";
import { equalContainers, succeeded } from "../support/bench/containers.ts";
import { ratios, seconds } from "../support/bench/figures.ts";
import { OneContainer } from "../support/bench/one-container.ts";
import { Recorder } from "../support/bench/recorded.ts";
import { record } from "../support/bench/report.ts";
import { Site } from "../support/host/site.ts";

/** A link of some delay: the first up of a container on a prepared host against the same commands as one shell script. */

const ROUNDS = 5;
/** Milliseconds of a round trip. */
const DELAYS = [0, 10, 100];

let site: Site;

beforeAll(async () => {
  site = await Site.create();
});

afterAll(() => site.end());

test("a slow link", async () => {
  const host = await site.host();
  const ssh = join(site.dir, "bin/ssh");
  const keeper = await site.stack("keeper", site.config(equalContainers(1)));
  await succeeded(keeper.up());
  const recorder = await Recorder.create(site.dir, ssh);
  const stack = await site.stack("link", site.config({ web: {} }), recorder);
  const plain = ["BatchMode=yes", "RequestTTY=no", "ClearAllForwardings=yes", "RemoteCommand=none"];
  const one = await OneContainer.record(stack, recorder, [ssh, ...plain.flatMap((option) => ["-o", option]), "alpha"]);
  const measured = DELAYS.map((delay) => ({ delay, ours: [] as number[], script: [] as number[] }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { delay, ours, script } of measured) {
      await host.delay(delay);
      const times = await one.round();
      ours.push(times.ours);
      script.push(times.script);
    }
  }
  record({
    id: "link",
    title: "A link with a delay",
    figures: measured.map(({ delay, ours, script }) => ({
      what: `first up of one container, host prepared, link of ${delay} ms`,
      against: "the same commands as one shell script, same link",
      place: "stand-in host",
      unit: "×",
      goal: { most: 1.2 },
      samples: ratios(ours, script),
    })),
    table: {
      head: ["round trip of the link", "ours", "the script", "added to ours", "added to the script"],
      rows: measured.map(({ delay, ours, script }) => [
        `${delay} ms`,
        seconds(ours),
        seconds(script),
        ...[added(ours, measured[0]!.ours), added(script, measured[0]!.script)],
      ]),
    },
  });
}, 3_600_000);

/** What a link adds to a time without it, in the same round. */
function added(ms: readonly number[], without: readonly number[]): string {
  return ms === without ? "" : seconds(ms.map((each, i) => each - without[i]!));
}
