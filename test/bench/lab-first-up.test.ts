import { which } from "../../scripts/setup/run.ts";
import { ratios, seconds } from "../support/bench/figures.ts";
import { PreparedLab } from "../support/bench/lab-host.ts";
import { OneContainer } from "../support/bench/one-container.ts";
import { Recorder } from "../support/bench/recorded.ts";
import { record } from "../support/bench/report.ts";

/** The first up of a container that really boots, on a prepared host, against the same commands as one shell script. */

/** Rounds of a delay of the link, in milliseconds. */
const LINKS: readonly { delay: number; rounds: number; most: number }[] = [
  { delay: 0, rounds: 5, most: 1.05 },
  { delay: 10, rounds: 1, most: 1.2 },
  { delay: 100, rounds: 1, most: 1.2 },
];

let prepared: PreparedLab;

beforeAll(async () => {
  prepared = await PreparedLab.start();
}, 3_600_000);

afterAll(() => prepared.stop());

test("first up on the lab", async () => {
  const { lab, dir } = prepared;
  const recorder = await Recorder.create(dir, (await which("ssh"))!);
  const stack = await prepared.stack("bench-first-up", { web: {} }, recorder);
  const one = await OneContainer.record(stack, recorder, ["ssh", "-F", lab.sshConfig, "lab"]);
  const versions = await prepared.versions();
  const measured: { delay: number; most: number; ours: number[]; script: number[] }[] = [];
  for (const { delay, rounds, most } of LINKS) {
    if (delay > 0) await lab.ssh(`modprobe sch_netem; tc qdisc replace dev eth0 root netem delay ${delay}ms`);
    const ours: number[] = [];
    const script: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const times = await one.round();
      ours.push(times.ours);
      script.push(times.script);
    }
    measured.push({ delay, most, ours, script });
  }
  record(
    {
      id: "lab-first-up",
      title: "First up on the lab host, against a shell script",
      figures: measured.map(({ delay, most, ours, script }) => ({
        what: `first up of one container, host prepared${delay ? `, link of ${delay} ms` : ""}`,
        against: `the same commands as one shell script${delay ? ", same link" : ""}`,
        place: "lab host",
        unit: "×",
        goal: { most },
        samples: ratios(ours, script),
      })),
      table: {
        head: ["round trip of the link", "ours", "the script"],
        rows: measured.map(({ delay, ours, script }) => [`${delay} ms`, seconds(ours), seconds(script)]),
      },
    },
    versions,
  );
}, 3_600_000);
