import { disturbed, KILLS } from "../support/host/disturb.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import type { Stack } from "../support/stack.ts";

/**
 * Engine and provider are killed at steps of a life; then `pulumi cancel`, and on. The steps are a sample, each after the run
 * before it was killed; the complete sweep is `npm run test:sweep`.
 */

const web = { authorizedKeys: ["ssh-ed25519 AAAA me"] };
const edited = { ...web, hostname: "www", memory: "1GiB" };
let site: Site;
let host: Host;
let stack: Stack;
let turn = 0;
let killed = 0;
const undisturbed = new Map<string, string[]>();

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  stack = await site.stack("kills", {});
  for (const [what, config] of [
    ["deleted", undefined],
    ["created", web],
    ["updated", edited],
  ] as const) {
    if (config) {
      await stack.configure(site.config({ web: config }));
      expect((await stack.up()).ok).toBe(true);
    }
    undisturbed.set(what, await snapshot(host));
  }
  expect((await stack.destroy()).ok).toBe(true);
}, 300_000);

afterAll(async () => {
  await site.end();
  process.stderr.write(`kills: ${killed} boundaries\n`);
});

/** Each run is killed at its fourth step, so that it gets on by three. */
async function throughAll(operation: "up" | "destroy"): Promise<number> {
  for (let count = 0; count < 40; count++) {
    const run = await disturbed(host, stack, operation, 4, KILLS[turn++ % KILLS.length]!);
    if (!run) return count;
    killed++;
    expect(run.ok).toBe(false);
  }
  throw new Error("it does not get on");
}

test.each([
  ["created", web],
  ["updated", edited],
])("%s by runs that were killed, the host is as if nothing had happened", async (what, wants) => {
  await stack.configure(site.config({ web: wants }));
  expect(await throughAll("up")).toBeGreaterThan(0);
  await stack.converged();
  expect(await snapshot(host)).toEqual(undisturbed.get(what));
});

test("deleted by runs that were killed, nothing is left", async () => {
  expect(await throughAll("destroy")).toBeGreaterThan(1);
  expect(await snapshot(host)).toEqual(undisturbed.get("deleted"));
});

test.each([5, 12, 18, 25, 32])("a create that is killed at step %i and then destroyed leaves nothing", async (step) => {
  await stack.configure(site.config({ web }));
  expect((await disturbed(host, stack, "up", step, "kill after"))?.ok).toBe(false);
  killed++;
  const destroy = await stack.destroy();
  expect(destroy.ok ? "" : destroy.output).toBe("");
  expect(await stack.resources()).toEqual({});
  expect(await snapshot(host)).toEqual(undisturbed.get("deleted"));
});
