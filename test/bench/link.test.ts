import { join } from "node:path";
import { equalContainers, succeeded } from "../support/bench/containers.ts";
import { type FirstUps, firstUpSection, OneContainer } from "../support/bench/first-up.ts";
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

test("a link with a delay", async () => {
  const host = await site.host();
  const ssh = join(site.dir, "bin/ssh");
  const keeper = await site.stack("keeper", site.config(equalContainers(1)));
  await succeeded(keeper.up());
  const recorder = await Recorder.create(site.dir, ssh);
  const stack = await site.stack("link", site.config({ web: {} }), recorder);
  const plain = ["BatchMode=yes", "RequestTTY=no", "ClearAllForwardings=yes", "RemoteCommand=none"];
  const one = await OneContainer.record(stack, recorder, [ssh, ...plain.flatMap((option) => ["-o", option]), "alpha"]);
  const measured: FirstUps[] = DELAYS.map((delay) => ({ delay, most: 1.2, ours: [], script: [] }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { delay, ours, script } of measured) {
      await host.delay(delay);
      const times = await one.rounds(1);
      ours.push(...times.ours);
      script.push(...times.script);
    }
  }
  record(firstUpSection("link", "stand-in host", measured));
}, 3_600_000);
