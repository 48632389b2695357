import { cp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkout } from "../../scripts/setup/paths.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import type { Stack } from "../support/stack.ts";

/** The example that drives a stack a group of hosts, in someone else's project. */

let site: Site;
let hosts: Host[];
let before: string[][];
let any: Stack;
let project: string;

const groups = (third = "gamma") => ({
  north: {
    hosts: { alpha: "alpha", beta: "beta" },
    containers: { web: { host: "alpha" }, db: { host: "beta", memory: "256MiB" } },
  },
  south: { hosts: { gamma: third }, containers: { cache: { host: "gamma" } } },
});

const declare = (of: object) =>
  writeFile(join(project, "fleet.json"), JSON.stringify({ image: site.archive, groups: of }));

const drive = async (...args: string[]) => {
  const { stdout, stderr, exitCode } = await any.exec("node", join(project, "drive.ts"), ...args);
  return { stdout: stdout.split("\n").filter(Boolean).sort(), stderr, exitCode };
};

beforeAll(async () => {
  site = await Site.create();
  hosts = await Promise.all(["alpha", "beta", "gamma"].map((name) => site.host(name)));
  before = await Promise.all(hosts.map((host) => snapshot(host)));
  project = join(site.dir, "fleet");
  await cp(join(checkout, "examples/fleet"), project, { recursive: true });
  await mkdir(join(project, "node_modules"));
  await symlink(checkout, join(project, "node_modules/svirt-lxc"));
  await symlink(join(checkout, "node_modules/@pulumi"), join(project, "node_modules/@pulumi"));
  any = await site.stack("driver", {}, { project });
});

afterAll(() => site.end());

test("what nobody declared is refused, with what there is", async () => {
  await declare(groups());
  expect(await drive("up", "east")).toMatchObject({
    stderr: expect.stringContaining("there is no group east: choose of north, south"),
    exitCode: 2,
  });
  expect(await drive("destroy", "toString")).toMatchObject({ exitCode: 2 });
  expect(await drive("apply")).toMatchObject({ stderr: expect.stringContaining("preview|up|"), exitCode: 2 });
});

test("a group whose host is away fails, with its reason; the others are done", async () => {
  await declare(groups("nowhere"));
  const { stdout, stderr, exitCode } = await drive("up");
  expect(stdout).toEqual([expect.stringMatching(/^north: .*\d+ create/)]);
  expect(stderr).toMatch(/^south: failed\n.*cannot reach the host nowhere/s);
  expect(exitCode).toBe(1);
  expect(await hosts[0]!.sh("ls /var/lib/svirt-lxc/roots")).toBe("web");
  expect(await hosts[1]!.sh("ls /var/lib/svirt-lxc/roots")).toBe("db");
});

test("when it is back, up does what is left, and what is done stays as it is", async () => {
  await declare(groups());
  const up = await drive("up");
  expect(up).toEqual({
    stdout: [expect.stringMatching(/^north: \d+ same$/), expect.stringMatching(/^south: .*\d+ create/)],
    stderr: "",
    exitCode: 0,
  });
  expect(await hosts[2]!.sh("ls /var/lib/svirt-lxc/roots")).toBe("cache");
});

test("a group that somebody else is changing fails, with who that is; the others are done", async () => {
  const { PULUMI_BACKEND_URL: backend } = JSON.parse(
    (await any.exec("node", "-p", "JSON.stringify(process.env)")).stdout,
  );
  const locks = join(new URL(backend).pathname, ".pulumi/locks/organization/fleet/north");
  await mkdir(locks, { recursive: true });
  const lock = { pid: 4711, username: "anna", hostname: "elsewhere", timestamp: "2026-11-27T12:00:00Z" };
  await writeFile(join(locks, "0c0ffee0.json"), JSON.stringify(lock));
  const { stdout, stderr, exitCode } = await drive("up");
  await rm(locks, { recursive: true });
  expect({ stdout, exitCode }).toEqual({ stdout: [expect.stringMatching(/^south: \d+ same$/)], exitCode: 1 });
  expect(stderr).toMatch(/^north: failed\nthe stack is currently locked by .*anna@elsewhere/s);
});

test("one group is destroyed, and then all: nothing is left on any host", async () => {
  expect((await drive("destroy", "south")).stdout).toEqual([expect.stringMatching(/^south: \d+ delete$/)]);
  expect(await snapshot(hosts[2]!)).toEqual(before[2]);
  expect(await hosts[0]!.sh("ls /var/lib/svirt-lxc/roots")).toBe("web");
  expect(await drive("destroy")).toMatchObject({ stderr: "", exitCode: 0 });
  expect(await Promise.all(hosts.map((host) => snapshot(host)))).toEqual(before);
});
