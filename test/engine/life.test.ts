import { disturbed } from "../support/host/disturb.ts";
import type { Host } from "../support/host/host.ts";
import { BARE } from "../support/host/life.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import type { Stack } from "../support/stack.ts";

/** The life of a stack, a test an event; each begins where the one before ended. */

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHuEtjR me";
let site: Site;
let host: Host;
let stack: Stack;
let before: string[];

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  before = await snapshot(host);
  stack = await site.stack("life", site.config({ web: { authorizedKeys: [KEY] }, db: {} }));
});

afterAll(() => site.end());

test("the first up makes two containers, proven confined", async () => {
  const run = await stack.up();
  expect(run.ok ? "" : run.output).toBe("");
  const { containers } = JSON.parse(await stack.pulumi("stack", "output", "--json"));
  const verdicts = Object.values<{ verdict: string }>(containers).map((c) => c.verdict);
  expect(verdicts).toEqual(["confined", "confined"]);
  expect(new Set([containers.web.address, containers.db.address])).toEqual(new Set(["10.213.0.2", "10.213.0.3"]));
  await stack.converged();
});

test("a second up does nothing, in one round trip", async () => {
  const was = await snapshot(host);
  const run = await stack.up();
  expect(run.operations).toEqual({});
  expect(run.roundTrips.flatMap((t) => t.names)).toEqual(["refresh"]);
  expect(await snapshot(host)).toEqual(was);
});

test("an edit changes what it names, and no other container", async () => {
  const db = (await snapshot(host)).filter((line) => /roots\/db|domains\/db/.test(line));
  await stack.configure(site.config({ web: { authorizedKeys: [KEY], memory: "1GiB", hostname: "www" }, db: {} }));
  const run = await stack.up();
  expect(run.order).toEqual(["update LxcRootfs web", "update LxcDomain web"]);
  expect(await host.read("/var/lib/svirt-lxc/roots/web/guest/root/etc/hostname")).toBe("www\n");
  expect(await host.sh("virsh -q -c lxc:/// dumpxml web | grep -o '<memory.*'")).toContain("1048576");
  expect((await snapshot(host)).filter((line) => /roots\/db|domains\/db/.test(line))).toEqual(db);
  await stack.converged();
});

test("a step that fails says what SELinux has denied to the container", async () => {
  const { label } = (await stack.resources())["LxcDomain web"].inputs;
  await host.write(
    "/mnt/denials",
    `type=AVC msg=audit(1790000000.000:1): avc:  denied  { map_create } for  pid=7 comm="perl" scontext=${label} tcontext=${label} tclass=bpf permissive=0\n`,
  );
  await stack.configure(site.config({ web: { authorizedKeys: [KEY], memory: "2GiB", hostname: "www" }, db: {} }));
  const run = await disturbed(host, stack, "up", 1, "fail");
  expect(run).toMatchObject({
    ok: false,
    output: expect.stringContaining("no container may load programs into the kernel"),
  });
  await host.sh("rm /mnt/denials");
  await stack.configure(site.config({ web: { authorizedKeys: [KEY], memory: "1GiB", hostname: "www" }, db: {} }));
  expect((await stack.up()).ok).toBe(true);
  await stack.converged();
});

test("a container that is taken out of the program goes, and the others stay", async () => {
  await stack.configure(site.config({ web: { authorizedKeys: [KEY], memory: "1GiB", hostname: "www" } }));
  expect((await stack.up()).order).toEqual(["delete LxcDomain db", "delete LxcRootfs db"]);
  expect((await snapshot(host)).filter((line) => /\bdb\b/.test(line))).toEqual([]);
  await stack.converged();
});

test("destroy leaves the host as it was", async () => {
  expect((await stack.destroy()).ok).toBe(true);
  expect(await stack.resources()).toEqual({});
  expect(await snapshot(host)).toEqual(before);
});

test("a bare host whose packages cannot be had: what was begun goes by destroy", async () => {
  await host.sh(`${BARE}\n: >/mnt/knobs/offline`);
  expect(await stack.up()).toMatchObject({ ok: false, output: expect.stringContaining("Unable to fetch") });
  const destroy = await stack.destroy();
  expect(destroy.ok ? "" : destroy.output).toBe("");
  expect(await stack.resources()).toEqual({});
  await host.sh("rm /mnt/knobs/offline");
});

test("a bare host: permissive now and at boot, without libvirt and what it needs", async () => {
  await host.sh(BARE);
  expect(await snapshot(host)).not.toEqual(before);
  const run = await stack.up();
  expect(run.ok ? "" : run.output).toBe("");
  // The third is for what libvirt can only be asked for when it runs.
  expect(run.roundTrips.filter((trip) => trip.names.includes("LibvirtService alpha"))).toHaveLength(3);
  await stack.converged();
  expect((await stack.destroy()).ok).toBe(true);
  // A host is not made less safe, and not emptied, by deleting resources.
  expect(await snapshot(host)).toEqual(before);
});
