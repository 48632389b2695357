import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { act, look, run, waitFor } from "../../support/batch.ts";

const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
const file = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

test("a host that is as the plan expects it: the steps are done", async () => {
  const reads = [look("it", "echo same"), look("clock", "date +%N", { volatile: true })];
  const { observation } = await run({ reads });
  const report = await run({ reads, steps: [act("echo done")], lock: { holder: "unit", expect: observation.digest } });
  expect(report).toMatchObject({ stale: false, outcomes: [{ exit: 0, stdout: "done\n" }] });
  expect(report.observation.digest).toBe(observation.digest);
});

test("a host that has changed: nothing is done, and what it is now is told", async () => {
  const state = file("state");
  const marker = file("marker");
  const reads = [look("it", `cat ${state}`)];
  writeFileSync(state, "old");
  const { observation } = await run({ reads });
  writeFileSync(state, "new");
  const lock = { holder: "unit", expect: observation.digest };
  const stale = await run({ reads, steps: [act(`echo >${marker}`)], lock });
  expect(stale).toMatchObject({ stale: true, outcomes: [], progress: [] });
  expect(stale.observation.results.get("it")!.stdout).toBe("new");
  expect(existsSync(marker)).toBe(false);

  const again = await run({
    reads,
    steps: [act(`echo >${marker}`)],
    lock: { ...lock, expect: stale.observation.digest },
  });
  expect(again.stale).toBe(false);
  expect(existsSync(marker)).toBe(true);
});

test("two at the same time: the second one waits, says for whom, and finds what the first one left", async () => {
  const [log, go] = [file("log"), file("go")];
  writeFileSync(log, "");
  const reads = [look("it", `wc -l <${log}`)];
  const { observation } = await run({ reads });
  const lock = (holder: string) => ({ holder, expect: observation.digest });
  const steps = [act(`echo begins >>${log}; ${waitFor(go)}; echo ends >>${log}`)];

  // The first one goes on when the second one waits for it.
  let second: ReturnType<typeof run> | undefined;
  const begun = () => {
    second ??= run({ reads, steps: [act(`echo second >>${log}`)], lock: lock("svirt-lxc/lab/LxcDomain/b") }, () =>
      writeFileSync(go, ""),
    );
  };
  const first = await run({ reads, steps, lock: lock("it's $(x)/prod/LxcDomain/a") }, begun);
  expect(first).toMatchObject({ stale: false, outcomes: [{ exit: 0 }] });
  expect(await second).toMatchObject({
    stale: true,
    outcomes: [],
    progress: ["Waiting for it's $(x)/prod/LxcDomain/a"],
  });
  expect(readFileSync(log, "utf8")).toBe("begins\nends\n");
});

test("many at the same time: each does its step, none meets another", async () => {
  const log = file("many");
  const reads = [look("it", "echo same")];
  const { observation } = await run({ reads });
  const lock = { holder: "unit", expect: observation.digest };
  const all = Array.from({ length: 6 }, (_, i) =>
    run({ reads, steps: [act(`echo ${i} >>${log}; sleep 0.05; echo ${i} >>${log}`)], lock }),
  );
  for (const { stale, outcomes } of await Promise.all(all)) {
    expect({ stale, exits: outcomes.map((o) => o.exit) }).toEqual({ stale: false, exits: [0] });
  }
  const pairs = readFileSync(log, "utf8")
    .trim()
    .replaceAll(/(\d)\n\1/g, "$1$1")
    .split("\n");
  expect(pairs.sort()).toEqual(["00", "11", "22", "33", "44", "55"]);
});

test("work that outlives its batch still holds the host", async () => {
  const go = file("outlived");
  const reads = [look("it", "echo same")];
  const { observation } = await run({ reads });
  const lock = { holder: "outlived", expect: observation.digest };
  await run({ reads, steps: [act(`(${waitFor(go)}) &`)], lock });
  const next = run({ reads, steps: [act("echo done")], lock: { ...lock, holder: "next" } }, (line) => {
    if (line === "Waiting for outlived") writeFileSync(go, "");
  });
  expect((await next).progress).toEqual(["Waiting for outlived", "runs echo done"]);
});

test("a look takes no lock", async () => {
  const go = file("looked");
  const reads = [look("it", "echo same")];
  const { observation } = await run({ reads });
  const steps = [act(waitFor(go), { timeout: 10 })];
  const { outcomes } = await run({ reads, steps, lock: { holder: "unit", expect: observation.digest } }, () => {
    void run({ reads }).then(() => writeFileSync(go, ""));
  });
  expect(outcomes).toMatchObject([{ exit: 0 }]);
});
