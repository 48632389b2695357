import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { locksOfTheDead } from "../../scripts/state/stale-locks.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import type { Stack } from "../support/stack.ts";

/** What a run that was killed leaves: the lock of its stack, and a batch that goes on by itself. */

let site: Site;
let host: Host;
let stack: Stack;
let backend: string;

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  backend = join(site.dir, "state");
  stack = await site.stack("orphans", site.config({ web: {} }), { backend });
});

afterAll(() => site.end());

test("its lock is known to be a dead one's, and the next run waits for its batch, and says so", async () => {
  await host.fault("step", 6, "before");
  const first = stack.start("up", "--yes", "--skip-preview");
  expect(await host.blocked(first.done)).toBe(true);
  expect(await locksOfTheDead(backend)).toEqual([]);
  await first.kill();
  const locks = await locksOfTheDead(backend);
  expect(locks.map((lock) => basename(dirname(lock)))).toEqual(["orphans"]);
  for (const lock of locks) await rm(lock);

  const second = stack.start("up", "--yes", "--skip-preview");
  await host.waited(second.done);
  await host.go();
  const { ok, output } = await second.done;
  expect(ok ? "" : output).toBe("");
  expect(output).toMatch(/Waiting for svirt-lxc\/orphans@/);
  await stack.converged();
});

test.each([
  ["at processes, a look into roots", "-s", "flock -x -w "],
  ["into roots, a look at processes", "-x", "flock -s -w "],
])("while someone looks %s waits", async (_, how, waiting) => {
  const held = host.sh(
    `flock ${how} /run/svirt-lxc/inspection sh -c ': >/run/held; while [ ! -e /run/release ]; do sleep 0.05; done'`,
  );
  while (!host.has("/run/held")) await setTimeout(50);
  // The root's look comes before the domain's: of that one only a run without a root can tell.
  const { urn } = (await stack.resources())["LxcDomain web"];
  const run = how === "-s" ? stack.start("preview") : stack.start("up", "--yes", "--refresh=false", "--replace", urn);
  await host.waited(run.done, waiting);
  await host.write("/run/release", "");
  await held;
  expect((await run.done).ok).toBe(true);
  await host.sh("rm /run/held /run/release");
});

test("and then all of it goes", async () => {
  expect((await stack.destroy()).ok).toBe(true);
});
