import { makeArchive } from "../support/host/archive.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import type { Run, Stack } from "../support/stack.ts";

/** How often a host is asked, which is what an operation takes where the network is slow. */

const containers = (count: number, more: object = {}) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`c${i}`, i === 0 ? more : {}]));
let site: Site;
let host: Host;
let stack: Stack;

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  stack = await site.stack("trips", site.config(containers(12)));
});

afterAll(() => site.end());

/**
 * Round trips by "LxcRootfs c1", those left out that only wait, bring an archive, or have signed what was found after a wait, which
 * is once in a container's life.
 */
function trips(run: Run): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { label, steps } of run.roundTrips) {
    if (steps.some((step) => ["await-boot", "upload-image", "sign-evidence"].includes(step))) continue;
    counts[label] = (counts[label] ?? 0) + 1;
  }
  return counts;
}

/** Two for each time that something is made, changed or removed; a replacement is two of these. */
function expectAtMostTwo(run: Run): void {
  expect(run.ok ? "" : run.output).toBe("");
  const limit = (name: string) => (run.operations[name]?.verb === "replace" ? 4 : 2);
  const many = Object.entries(trips(run)).filter(([name, count]) => count > limit(name));
  expect(many).toEqual([]);
}

test("twelve containers are created in two round trips a resource, and waits", async () => {
  expectAtMostTwo(await stack.up());
});

test("a refresh of twelve containers takes one round trip", async () => {
  expect((await stack.refresh()).roundTrips).toHaveLength(1);
  expect((await stack.converged()).roundTrips).toHaveLength(1);
});

test.each<[string, object]>([
  ["memory", { memory: "1GiB" }],
  ["hostname", { memory: "1GiB", hostname: "www" }],
  ["rebuild", { memory: "1GiB", hostname: "www", rebuild: "1" }],
])("an update takes two round trips a resource: %s", async (_, more) => {
  await stack.configure(site.config(containers(12, more)));
  expectAtMostTwo(await stack.up());
});

test("another image takes two round trips", async () => {
  await makeArchive(`${site.dir}/other.tar`, "2");
  await stack.configure(
    site.config(containers(12, { memory: "1GiB", hostname: "www", rebuild: "1" }), {
      base: { archive: `${site.dir}/other.tar` },
    }),
  );
  expectAtMostTwo(await stack.up());
});

test("all are deleted in two round trips a resource", async () => {
  expectAtMostTwo(await stack.destroy());
  expect(await host.sh("ls /var/lib")).toBe("dpkg");
});
