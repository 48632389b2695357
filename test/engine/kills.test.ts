import { disturbed, KILLS } from "../support/host/disturb.ts";
import { Life } from "../support/host/life.ts";

/**
 * Engine and provider are killed at steps of a life; then `pulumi cancel`, and on. The steps are a sample, each after the run
 * before it was killed; the complete sweep is `npm run test:sweep`.
 */

let life: Life;
let turn = 0;
let killed = 0;

beforeAll(async () => {
  life = await Life.begin("kills");
});

afterAll(async () => {
  await life.end();
  process.stderr.write(`kills: ${killed} boundaries\n`);
});

/** Each run is killed at its sixth step, so that it gets on by five. */
async function throughAll(operation: "up" | "destroy"): Promise<number> {
  for (let count = 0; count < 40; count++) {
    const run = await disturbed(life.host, life.stack, operation, 6, KILLS[turn++ % KILLS.length]!);
    if (!run) return count;
    killed++;
    expect(run.ok).toBe(false);
  }
  throw new Error("it does not get on");
}

test.each(["created", "edited"] as const)(
  "%s by runs that were killed, the host is as if nothing had happened",
  async (state) => {
    expect(await throughAll(await life.want(state))).toBeGreaterThan(0);
    await life.stack.converged();
    expect(await life.unlike(state)).toEqual([]);
  },
);

test("deleted by runs that were killed, nothing is left", async () => {
  expect(await throughAll("destroy")).toBeGreaterThan(1);
  expect(await life.unlike("nothing")).toEqual([]);
});

test.each([1, 12, 18, 25, 32])("a create that is killed at step %i and then destroyed leaves nothing", async (step) => {
  await life.want("created");
  expect((await disturbed(life.host, life.stack, "up", step, "kill after"))?.ok).toBe(false);
  killed++;
  const destroy = await life.reach("nothing");
  expect(destroy.ok ? "" : destroy.output).toBe("");
  expect(await life.stack.resources()).toEqual({});
  expect(await life.unlike("nothing")).toEqual([]);
});
