import { makeArchive } from "../support/host/archive.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import type { Run, Stack } from "../support/stack.ts";

/** How often a host is asked, which is what an operation takes where the network is slow. */

const COUNT = 12;
/** Of all resources of a kind: two looks, since the engine sends one first, and a batch; and as many for those that come late. */
const TRIPS = 6;
// As many at a time as there may be.
const TOGETHER = ["--parallel", "64"];

const containers = (more: object = {}) => Object.fromEntries(Array.from({ length: COUNT }, (_, i) => [`c${i}`, more]));
let site: Site;
let host: Host;
let stack: Stack;

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  stack = await site.stack("trips", site.config(containers()));
});

afterAll(() => site.end());

/** Round trips for containers, those left out that only wait, or bring an archive. */
function expectTogether(run: Run, limit: number): void {
  expect(run.ok ? "" : run.output).toBe("");
  const trips = run.roundTrips.filter(
    ({ names, steps }) =>
      names.some((name) => /^Lxc(Rootfs|Domain) /.test(name)) &&
      !steps.some((step) => ["await-boot", "upload-image"].includes(step)),
  );
  expect(trips.length).toBeLessThanOrEqual(limit);
}

test("twelve containers are created together", async () => {
  expectTogether(await stack.up(...TOGETHER), 2 * TRIPS);
});

test("a refresh of twelve containers takes one round trip", async () => {
  expect((await stack.refresh()).roundTrips).toHaveLength(1);
  expect((await stack.converged()).roundTrips).toHaveLength(1);
});

// A domain; a domain and a root; both removed and made.
test.each<[string, number, object]>([
  ["memory", 1, { memory: "1GiB" }],
  ["hostname", 2, { memory: "1GiB", hostname: "www" }],
  ["rebuild", 4, { memory: "1GiB", hostname: "www", rebuild: "1" }],
])("an update of all: %s", async (_, times, more) => {
  await stack.configure(site.config(containers(more)));
  expectTogether(await stack.up(...TOGETHER), times * TRIPS);
});

test("another image is nothing to containers", async () => {
  await makeArchive(`${site.dir}/other.tar`, "2");
  await stack.configure(
    site.config(containers({ memory: "1GiB", hostname: "www", rebuild: "1" }), {
      base: { archive: `${site.dir}/other.tar` },
    }),
  );
  expectTogether(await stack.up(...TOGETHER), 0);
});

test("all are deleted together", async () => {
  expectTogether(await stack.destroy(...TOGETHER), 2 * TRIPS);
  expect(await host.sh("ls /var/lib")).toBe("dpkg");
});
