import { disturbed, FAULTS, owners } from "../support/host/disturb.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import { batches, snapshot } from "../support/host/snapshot.ts";
import type { Stack } from "../support/stack.ts";

/**
 * Every step of a life goes wrong once, each in another way; the complete sweep is `npm run test:sweep`. What failed is not
 * taken back: the next run has the step after it go wrong, and so on, until one goes through.
 */

const web = { authorizedKeys: ["ssh-ed25519 AAAA me"], rootPasswordSecret: "password", units: ["nginx.service"] };
const edited = { ...web, hostname: "www", memory: "1GiB", units: ["nginx.service", "cron.service"] };
const secret = { "svirt-lxc:password": "correct horse" };
const undisturbed = new Map<string, string[]>();
let site: Site;
let host: Host;
let stack: Stack;
let turn = 0;
let injected = 0;

beforeAll(async () => {
  site = await Site.create();
  const still = await site.host("still");
  const config = (c: object) => ({ ...site.config({ web: c }, { alpha: { ssh: "still" } }), ...secret });
  const calm = await site.stack("faults", config(web));
  undisturbed.set("deleted", await snapshot(still));
  expect((await calm.up()).ok).toBe(true);
  undisturbed.set("created", await snapshot(still));
  await calm.configure(config(edited));
  expect((await calm.up()).ok).toBe(true);
  undisturbed.set("updated", await snapshot(still));
  host = await site.host();
  stack = await site.stack("faults", {});
}, 300_000);

afterAll(async () => {
  await site.end();
  process.stderr.write(`faults: ${injected} injected\n`);
});

/** Returns how many steps went wrong before the operation went through. */
async function throughAll(operation: "up" | "destroy"): Promise<number> {
  for (let count = 0; count < 100; count++) {
    const fault = FAULTS[turn++ % FAULTS.length]!;
    // The second step, so that each run gets on by one.
    const run = await disturbed(host, stack, operation, 2, fault);
    if (!run) return count;
    injected++;
    expect({ fault, ...run }).toMatchObject({ ok: false, output: expect.stringContaining("remedy:") });
    if (["fail", "hang", "late"].includes(fault)) expect(run.output).toMatch(/failed at the step "\w+ .*"/);
    else expect(run.output).toMatch(/connection to alpha broke|cannot reach the host alpha/);
    expect(run.output).not.toContain("correct horse");
    expect(Object.keys(await stack.resources())).toEqual(expect.arrayContaining(await owners(host, stack.name)));
  }
  throw new Error("it does not get on");
}

test.each([
  ["created", web],
  ["updated", edited],
])("%s though each step goes wrong, the host is as if nothing had happened", async (what, wants) => {
  await stack.configure({ ...site.config({ web: wants }), ...secret });
  expect(await throughAll("up")).toBeGreaterThan(4);
  await stack.converged();
  expect(await snapshot(host)).toEqual(undisturbed.get(what));
});

test("deleted though each step goes wrong, nothing is left", async () => {
  expect(await throughAll("destroy")).toBeGreaterThan(8);
  expect(await snapshot(host)).toEqual(undisturbed.get("deleted"));
});

test("an error of a connection that broke names the step that was under way, and does not say that there was none", async () => {
  await stack.configure(site.config({}));
  const run = await disturbed(host, stack, "up", 1, "cut before");
  expect(run?.output).toMatch(/the connection to alpha broke at the step "claims the policy"/);
  expect(await stack.destroy()).toMatchObject({ ok: true });
});

test("what was killed on the host leaves nothing behind once the next run has gone through", async () => {
  await disturbed(host, stack, "up", 1, "lost");
  expect((await stack.up()).ok).toBe(true);
  expect((await stack.destroy()).ok).toBe(true);
  expect(await batches(host)).toBe("");
});
