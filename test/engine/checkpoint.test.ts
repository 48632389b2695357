import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "../../scripts/setup/paths.ts";
import type { Host } from "../support/host/host.ts";
import { placeholders, releaseConfig, releaseStack, setSecret } from "../support/host/release.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import type { Stack } from "../support/stack.ts";

/** The state that a release left is updated and destroyed by this one; test/fixtures/checkpoints/record.ts keeps one. */

const folder = join(import.meta.dirname, "../fixtures/checkpoints");
const releases = readdirSync(folder).filter((file) => file.endsWith(".json"));
let site: Site;
let host: Host;
let before: string[];
let stack: Stack;

beforeEach(async () => {
  site = await Site.create();
  host = await site.host();
  before = await snapshot(host);
  stack = await releaseStack(site);
  expect((await stack.up()).ok).toBe(true);
});

afterEach(() => site.end());

/** Has the stack forget what it knows, and know what the release knew. */
async function goBackTo(release: string): Promise<void> {
  let text = readFileSync(join(folder, release), "utf8");
  for (const [word, value] of Object.entries(await placeholders(site, host))) text = text.replaceAll(word, value);
  await stack.import(text);
  await stack.configure(releaseConfig(site, "www"));
  await setSecret(stack);
}

test("there is one of this release", () => {
  const { version } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8"));
  expect(releases).toContain(`${version}.json`);
});

test.each(releases)("%s is updated", async (release) => {
  await goBackTo(release);
  await stack.converged();
  await stack.configure(releaseConfig(site, "other"));
  const run = await stack.up();
  expect(run.ok ? "" : run.output).toBe("");
  expect(run.order).toEqual(["update LxcRootfs web", "update LxcDomain web"]);
  await stack.converged();
});

test.each(releases)("%s is destroyed", async (release) => {
  await goBackTo(release);
  const run = await stack.destroy();
  expect(run.ok ? "" : run.output).toBe("");
  expect(await snapshot(host)).toEqual(before);
});
