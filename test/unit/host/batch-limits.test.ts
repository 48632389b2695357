import { act, look, run } from "../../support/batch.ts";

const LIMIT = 4 * 1024 * 1024;
const much = `head -c ${LIMIT + 1} /dev/zero | tr '\\0' x`;

test("what a step prints is bounded", async () => {
  const { outcomes } = await run({ reads: [], steps: [act(`${much}; echo end >&2`), act("echo next")] });
  expect(outcomes[0]!.stdout.length).toBe(LIMIT);
  expect(outcomes[0]!.stderr).toBe("end\n");
  expect(outcomes[1]!.stdout).toBe("next\n");
});

test("a look that just fits is whole", async () => {
  const { observation } = await run({ reads: [look("it", `head -c ${LIMIT} /dev/zero | tr '\\0' x`)] });
  expect(observation.results.get("it")).toMatchObject({ exit: 0, stdout: expect.stringMatching(/^x{4194304}$/) });
});

// What was cut off would count as not there: a process that is not judged, a root that is not mounted.
test("a look that says more than fits has failed", async () => {
  const { observation } = await run({ reads: [look("it", much)] });
  expect(observation.results.get("it")!.exit).not.toBe(0);
});

test("the digest of a long look is the same under the lock", async () => {
  const reads = [look("it", much)];
  const { observation } = await run({ reads });
  const { stale } = await run({ reads, lock: { holder: "unit", expect: observation.digest } });
  expect(stale).toBe(false);
});
