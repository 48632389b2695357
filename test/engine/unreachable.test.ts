import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import type { Stack } from "../support/stack.ts";

/** One of two hosts does not answer. */

let site: Site;
let beta: Host;
let stack: Stack;

const config = (memory: string) => ({
  ...site.config({ web: { memory }, db: { memory, host: "beta" } }),
  "svirt-lxc:hosts": { alpha: { ssh: "alpha" }, beta: { ssh: "beta" } },
});

beforeAll(async () => {
  site = await Site.create();
  await site.host("alpha");
  beta = await site.host("beta");
  stack = await site.stack("hosts", config("512MiB"));
});

afterAll(() => site.end());

test("the error names it and what to do, and the other host is done", async () => {
  await beta.reachable(false);
  const run = await stack.up("--continue-on-error");
  expect(run.ok).toBe(false);
  expect(run.output).toMatch(/cannot reach the host beta[\s\S]*Connection refused[\s\S]*remedy: .*ssh beta true/);
  expect(run.output).not.toMatch(/cannot reach the host alpha/);
  expect((await stack.resources())["LxcDomain web"].outputs.verdict).toBe("confined");
});

test("when it is back, the next up makes the rest", async () => {
  await beta.reachable(true);
  expect((await stack.up()).ok).toBe(true);
  await stack.converged();
});

test("a refresh does not take what it cannot see for gone", async () => {
  await beta.reachable(false);
  const run = await stack.refresh();
  expect(run.ok).toBe(false);
  expect(run.output).toContain("cannot reach the host beta");
  expect(Object.keys(await stack.resources())).toContain("LxcDomain db");
});

test("it can be left out with --target, as the error says", async () => {
  await stack.configure(config("1GiB"));
  const all = await stack.up();
  expect(all.ok).toBe(false);
  expect(all.output).toMatch(/remedy:[\s\S]*--target|--exclude/);
  const { urn } = (await stack.resources())["LxcDomain web"];
  expect((await stack.up("--target", urn)).operations).toMatchObject({ "LxcDomain web": { verb: "update" } });
  await beta.reachable(true);
  expect((await stack.destroy()).ok).toBe(true);
});
