import { disturbed } from "../support/host/disturb.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import type { Stack } from "../support/stack.ts";

/** Two stacks on one host. */

let site: Site;
let host: Host;
let before: string[];
let one: Stack;
let two: Stack;

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  before = await snapshot(host);
  one = await site.stack("one", site.config({ a: {}, b: {} }));
  two = await site.stack("two", site.config({ c: {}, d: {} }));
});

afterAll(() => site.end());

test("both come up at the same time, and share no slot, label, users, address or name", async () => {
  const runs = await Promise.all([one.up(), two.up()]);
  expect(runs.map((run) => (run.ok ? "" : run.output))).toEqual(["", ""]);
  const all = [await one.resources(), await two.resources()].flatMap((resources) => Object.values(resources));
  const roots = all.filter((r) => r.type.endsWith(":LxcRootfs")).map((r) => r.outputs);
  const domains = all.filter((r) => r.type.endsWith(":LxcDomain")).map((r) => r.outputs);
  for (const values of [
    roots.map((r) => r.slot),
    roots.map((r) => r.label),
    roots.map((r) => r.idmap.start),
    domains.map((d) => d.address),
    domains.map((d) => d.mac),
    domains.map((d) => d.name),
  ])
    expect(new Set(values).size).toBe(4);
  await one.converged();
  await two.converged();
});

test("what they changed they changed under the host's lock, one after the other, but for what is only theirs", async () => {
  const steps = await host.steps();
  expect(steps.filter((step) => step.startsWith("locked ")).length).toBeGreaterThan(40);
  // An upload into a folder of its own, its claim, and the wait for a boot.
  const own = /tar |claims\/image-|address=\$2/;
  expect(steps.filter((step) => step.startsWith("free ") && !own.test(step))).toEqual([]);
});

test("who waits says for whom", async () => {
  await one.configure(site.config({ a: { hostname: "aa" }, b: {} }));
  await two.configure(site.config({ c: { hostname: "cc" }, d: {} }));
  await host.fault("step", 1, "before");
  const first = one.start("up", "--yes", "--skip-preview");
  expect(await host.blocked(first.done)).toBe(true);
  const second = two.start("up", "--yes", "--skip-preview");
  await host.waited(second.done);
  await host.go();
  expect((await first.done).ok).toBe(true);
  const { ok, output } = await second.done;
  expect(ok).toBe(true);
  expect(output).toMatch(/Waiting for svirt-lxc\/one@[0-9a-f]{8}\/LxcRootfs\/a/);
});

test.each([
  [
    "another subnet of the same network",
    { subnet: "10.99.0.0/20" },
    /svirt-lxc\/one@[0-9a-f]{8}\/LibvirtService\/alpha wants 10\.213\.0\.0\/20/,
  ],
])("%s: the error names the other stack", async (_, alpha, error) => {
  const other = await site.stack("other", site.config({}, { alpha }));
  const run = await other.up();
  expect(run.ok).toBe(false);
  expect(run.output).toMatch(error);
  expect(run.output).toContain("remedy:");
  expect((await other.destroy()).ok).toBe(true);
  await one.converged();
});

test("a name that the other stack has: the error names it", async () => {
  const other = await site.stack("other", site.config({ a: {} }));
  const run = await other.up();
  expect(run.ok).toBe(false);
  expect(run.output).toMatch(/it belongs to svirt-lxc\/one@[0-9a-f]{8}\/LxcRootfs\/a/);
  expect((await other.destroy()).ok).toBe(true);
  await one.converged();
});

test("and where the state knows the host, a preview tells it, by one more look", async () => {
  const was = (await two.preview("--refresh")).roundTrips.length;
  await two.configure(site.config({ c: { hostname: "cc" }, d: {}, a: {} }));
  const preview = await two.preview("--refresh");
  expect(preview.ok).toBe(false);
  expect(preview.output).toMatch(/name[\s\S]*belongs to svirt-lxc\/one@[0-9a-f]{8}\/LxcRootfs\/a[\s\S]*another name/);
  expect(preview.roundTrips).toHaveLength(was + 1);
  // What cannot be told stays quiet.
  await two.configure(site.config({ c: { hostname: "cc" }, d: {}, f: {} }));
  expect((await two.preview("--refresh")).ok).toBe(true);
  await two.configure(site.config({ c: { hostname: "cc" }, d: {} }));
});

test("what a killed stack left is not taken by the other", async () => {
  await one.configure(site.config({ a: { hostname: "aa" }, b: {}, e: {} }));
  await disturbed(host, one, "up", 5, "kill before");
  await two.converged();
  expect((await one.up()).ok).toBe(true);
  await one.converged();
});

test("shared things stay while one of them is there, and go with the last", async () => {
  const isTheirs = /roots\/[cd]\b|domains\/[cd]\b|images|networks|modules|\/lxc\.conf/;
  const theirs = async () =>
    (await snapshot(host))
      .filter((line) => isTheirs.test(line) && !/networks\/[^/]+\/(containers\/[abe]\.nft|loaded) /.test(line))
      .map((line) => line.replaceAll(/<host [^>]*name='[abe]'[^>]*>/g, "").replaceAll(/\s+/g, " "));
  const was = await theirs();
  expect((await one.destroy()).ok).toBe(true);
  expect(await theirs()).toEqual(was);
  await two.converged();
  expect((await two.destroy()).ok).toBe(true);
  expect(await snapshot(host)).toEqual(before);
});
