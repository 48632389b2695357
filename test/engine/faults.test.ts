import { CONNECTIONS, type Disturbance, disturbed, owners, STEPS } from "../support/host/disturb.ts";
import { Life, PASSWORD } from "../support/host/life.ts";
import { batches } from "../support/host/snapshot.ts";

/**
 * Steps of a life go wrong, each in another way; the complete sweep is `npm run test:sweep`. What failed is not taken back: the
 * next run has a later step go wrong, and so on, until one goes through.
 */

const FAILING: readonly Disturbance[] = STEPS.filter((way) => way !== "blind"); // which counts looks, not steps
const FAULTS = [...FAILING, ...CONNECTIONS];

let life: Life;
let turn = 0;
let injected = 0;

beforeAll(async () => {
  life = await Life.begin("faults");
});

afterAll(async () => {
  await life.end();
  process.stderr.write(`faults: ${injected} injected\n`);
});

/** Returns how many steps went wrong before the operation went through. */
async function throughAll(operation: "up" | "destroy"): Promise<number> {
  const { host, stack } = life;
  for (let count = 0; count < 100; count++) {
    const fault = FAULTS[turn++ % FAULTS.length]!;
    // The fourth step, so that each run gets on by three; now and then the fifth, since some steps are taken together.
    const run = await disturbed(host, stack, operation, turn % 7 === 0 ? 5 : 4, fault);
    if (!run) return count;
    injected++;
    expect({ fault, ...run }).toMatchObject({ ok: false, output: expect.stringContaining("remedy:") });
    if (FAILING.includes(fault)) expect(run.output).toMatch(/failed at the step "\w+ .*"/);
    else expect(run.output).toMatch(/connection to alpha broke|cannot reach the host alpha/);
    expect(run.output).not.toContain(PASSWORD);
    expect(Object.keys(await stack.resources())).toEqual(expect.arrayContaining(await owners(host, stack.name)));
  }
  throw new Error("it does not get on");
}

test.each(["created", "edited"] as const)(
  "%s though each step goes wrong, the host is as if nothing had happened",
  async (state) => {
    expect(await throughAll(await life.want(state))).toBeGreaterThan(2);
    await life.stack.converged();
    expect(await life.unlike(state)).toEqual([]);
  },
);

test("deleted though each step goes wrong, nothing is left", async () => {
  expect(await throughAll("destroy")).toBeGreaterThan(2);
  expect(await life.unlike("nothing")).toEqual([]);
});

test("looks that fail are no answers: the error says which, and nothing is taken for gone", async () => {
  const operation = await life.want("created");
  for (const look of [2, 22, 28]) {
    const run = await disturbed(life.host, life.stack, operation, look, "blind");
    expect({ look, ...run }).toMatchObject({ ok: false, output: expect.stringMatching(/cannot observe.*remedy: /s) });
    injected++;
  }
  expect((await life.reach("created")).ok).toBe(true);
  expect(await life.unlike("created")).toEqual([]);
  expect((await life.reach("nothing")).ok).toBe(true);
});

test("an error of a connection that broke names the step that was under way, and does not say that there was none", async () => {
  const run = await disturbed(life.host, life.stack, "up", 1, "cut before");
  expect(run?.output).toMatch(/the connection to alpha broke at the step "Recording the claim on policy"/);
  expect(await life.stack.destroy()).toMatchObject({ ok: true });
});

test("what was killed on the host leaves nothing behind once the next run has gone through", async () => {
  await disturbed(life.host, life.stack, "up", 1, "lost");
  expect((await life.stack.up()).ok).toBe(true);
  expect((await life.stack.destroy()).ok).toBe(true);
  expect(await batches(life.host)).toBe("");
});

test("what was killed on the host leaves nothing behind, also if the next run has nothing to do", async () => {
  await disturbed(life.host, life.stack, "up", 1, "lost");
  expect((await life.stack.destroy()).ok).toBe(true);
  expect(await batches(life.host)).toBe("");
});
