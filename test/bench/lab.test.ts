import { which } from "../../scripts/setup/run.ts";
import { CloneSource, type Clones, cloneSection } from "../support/bench/clone.ts";
import { type FirstUps, firstUpSection, OneContainer } from "../support/bench/first-up.ts";
import { PreparedLab } from "../support/bench/lab-host.ts";
import { Recorder } from "../support/bench/recorded.ts";
import { record } from "../support/bench/report.ts";

/** What needs a real kernel: a container that really boots, real mounts, real labels, and a link that really is slow. */

const HOUR = 3_600_000;
/** Delays of the link in milliseconds, with rounds of each, and goals. */
const LINKS = [
  { delay: 0, rounds: 3, most: 1.05 },
  { delay: 10, rounds: 1, most: 1.2 },
  { delay: 100, rounds: 1, most: 1.2 },
];
/** How many times the small root of the lab is in an image, about 200 MB and 2 GB, with rounds of each. */
const IMAGES = [
  { copies: 1, rounds: 5 },
  { copies: 13, rounds: 2 },
];

let prepared: PreparedLab;

beforeAll(async () => {
  prepared = await PreparedLab.start();
}, HOUR);

afterAll(() => prepared.stop(), HOUR);

test(
  "clone and label",
  async () => {
    const measured: Clones[] = [];
    for (const { copies, rounds } of IMAGES) {
      const source = await CloneSource.create(prepared.lab, copies);
      await source.mounted(); // what the kernel loads for the first one
      const clones: Clones = { megabytes: source.megabytes, mounted: [], copied: [] };
      for (let round = 0; round < rounds; round++) {
        clones.mounted.push(await source.mounted());
        clones.copied.push(await source.copied());
      }
      measured.push(clones);
      await source.remove();
    }
    record(cloneSection(measured), await prepared.versions());
  },
  HOUR,
);

test(
  "first up",
  async () => {
    const { lab, dir } = prepared;
    const recorder = await Recorder.create(dir, (await which("ssh"))!);
    const stack = await prepared.stack("bench-first-up", { web: {} }, recorder);
    const one = await OneContainer.record(stack, recorder, ["ssh", "-F", lab.sshConfig, "lab"]);
    const measured: FirstUps[] = [];
    for (const { delay, rounds, most } of LINKS) {
      if (delay > 0) await lab.ssh(`modprobe sch_netem && tc qdisc replace dev eth0 root netem delay ${delay}ms`);
      measured.push({ delay, most, ...(await one.rounds(rounds)) });
      record(firstUpSection("lab-first-up", "lab host", measured), await prepared.versions());
    }
  },
  HOUR,
);
