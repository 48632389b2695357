import { act, look, run } from "../../support/batch.ts";

const LIMIT = 64 * 1024 * 1024;
const much = `head -c ${LIMIT + 1} /dev/zero | tr '\\0' x`;

test("what a step prints is bounded", async () => {
  const { outcomes } = await run({ reads: [], steps: [act(`${much}; echo end >&2`), act("echo next")] });
  expect(outcomes[0]!.stdout.length).toBe(LIMIT);
  expect(outcomes[0]!.stderr).toBe("end\n");
  expect(outcomes[1]!.stdout).toBe("next\n");
});

test("a look that just fits is whole", async () => {
  const { observation } = await run({ reads: [look("it", `head -c ${LIMIT} /dev/zero | tr '\\0' x`)] });
  const { exit, stdout } = observation.results.get("it")!;
  expect({ exit, length: stdout.length }).toEqual({ exit: 0, length: LIMIT });
});

// What was cut off would count as not there: a process that is not judged, a root that is not mounted.
test("a look that says more than fits has failed", async () => {
  const { observation } = await run({ reads: [look("it", much)] });
  const { exit, stderr } = observation.results.get("it")!;
  expect({ exit, stderr }).toEqual({ exit: 141, stderr: expect.stringContaining(`longer than ${LIMIT} bytes`) });
});

test("so has one whose exit code alone would be an answer", async () => {
  const { observation } = await run({ reads: [look("it", `${much}; exit 1`, { ok: [0, 1] })] });
  expect(observation.results.get("it")!.exit).toBe(141);
});

test("the digest of a long look is the same under the lock", async () => {
  const reads = [look("it", much)];
  const { observation } = await run({ reads });
  const { stale } = await run({ reads, lock: { holder: "unit", expect: observation.digest } });
  expect(stale).toBe(false);
});
