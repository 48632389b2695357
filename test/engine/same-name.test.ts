import { join } from "node:path";
import { checkout } from "../../scripts/setup/paths.ts";
import { disturbed } from "../support/host/disturb.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import type { Run, Stack } from "../support/stack.ts";

/** Stacks of the same name whose states know nothing of each other, and what happens to the ID that tells them apart. */

const options = join(checkout, "test/engine/programs/options");
let site: Site;
let host: Host;
let before: string[];

const verbs = (run: Run) => Object.fromEntries(Object.entries(run.operations).map(([name, { verb }]) => [name, verb]));
const virsh = (command: string) => host.sh(`virsh -q -c lxc:/// ${command}`);
const controller = () => host.read("/run/libvirt/lxc/web.pid");
const nameless = (text: string) => expect(text).not.toMatch(/undefined|04da6b54/);

beforeEach(async () => {
  site = await Site.create();
  host = await site.host();
  before = await snapshot(host);
});

afterEach(() => site.end());

const start = async (name: string, containers: Record<string, object>): Promise<Stack> => {
  const stack = await site.stack(name, site.config(containers));
  const run = await stack.up();
  expect(run.ok ? "" : run.output).toBe("");
  return stack;
};

test("two stacks dev own nothing of each other", async () => {
  const mine = await start("dev", { web: {} });
  const theirs = await start("dev", { db: {} });
  await mine.converged();
  await theirs.converged();
  const ids = await Promise.all(
    [mine, theirs].map(async (s) => (await s.resources())["LxcStore alpha"].outputs.stackId),
  );
  expect(new Set(ids).size).toBe(2);

  await theirs.configure(site.config({ db: {}, web: {} }));
  // https://github.com/pulumi/pulumi/issues/10313: the error says whose it is and what to do.
  const refused = await theirs.up();
  expect(refused.ok).toBe(false);
  expect(refused.output).toContain(`it belongs to svirt-lxc/dev@${ids[0]}/LxcRootfs/web: another stack of this name`);
  await mine.converged();

  // A run of mine that was killed: what it left is mine to continue, whatever they remove.
  await mine.configure(site.config({ web: {}, more: {} }));
  await disturbed(host, mine, "up", 5, "kill before");
  const was = (await snapshot(host)).filter((line) => /more|web/.test(line) && !/networks/.test(line));
  expect((await theirs.destroy()).ok).toBe(true);
  expect((await snapshot(host)).filter((line) => /more|web/.test(line) && !/networks/.test(line))).toEqual(was);
  expect((await mine.up()).ok).toBe(true);
  await mine.converged();
  expect((await mine.destroy()).ok).toBe(true);
  expect(await snapshot(host)).toEqual(before);
});

test("a store that was taken out of the state gets another ID, and the rest of the stack with it", async () => {
  const stack = await start("dev", { web: {} });
  const runs = await controller();
  const { urn } = (await stack.resources())["LxcStore alpha"];
  await stack.pulumi("state", "delete", urn, "--target-dependents=false", "--force", "--yes").catch(async () => {
    const state = JSON.parse(await stack.pulumi("stack", "export"));
    state.deployment.resources = without(state.deployment.resources, urn);
    await stack.import(JSON.stringify(state));
  });
  const announced = await stack.preview();
  expect(verbs(announced)).toMatchObject({
    "LxcStore alpha": "create",
    "LxcRootfs web": "update",
    "LxcDomain web": "update",
  });
  const done = await stack.up();
  expect(done.ok ? "" : done.output).toBe("");
  expect(verbs(done)).toEqual(verbs(announced));
  nameless(await virsh("dumpxml web"));
  expect(await controller()).toBe(runs);
  await stack.converged();
  expect((await stack.destroy()).ok).toBe(true);
  expect(await snapshot(host)).toEqual(before);
});

/** Resources without one, and without what says that they depend on it. */
function without(resources: Record<string, unknown>[], urn: string): unknown[] {
  return JSON.parse(JSON.stringify(resources.filter((r) => r.urn !== urn)), (_, value) =>
    Array.isArray(value) ? value.filter((one) => one !== urn) : value,
  );
}

test("a store that is replaced takes nothing from under a container", async () => {
  const stack = await start("dev", { web: {} });
  const runs = await controller();
  await host.steps();
  const { urn } = (await stack.resources())["LxcStore alpha"];
  const run = await stack.up("--replace", urn);
  expect(run.ok ? "" : run.output).toBe("");
  expect(await controller()).toBe(runs);
  expect(await host.steps()).not.toContainEqual(expect.stringMatching(/net-destroy|semodule -r/));
  await stack.converged();
  expect((await stack.destroy()).ok).toBe(true);
  expect(await snapshot(host)).toEqual(before);
});

test("a host that gets another name in the program keeps its container", async () => {
  const stack = await start("dev", { web: {} });
  const runs = await controller();
  const { "svirt-lxc:hosts": hosts, ...rest } = site.config({ web: { host: "beta" } });
  await stack.configure({ ...rest, "svirt-lxc:hosts": { beta: (hosts as { alpha: object }).alpha } });
  const announced = await stack.preview();
  const done = await stack.up();
  expect(done.ok ? "" : done.output).toBe("");
  expect(verbs(done)).toEqual(verbs(announced));
  expect(verbs(done)).toMatchObject({ "LxcRootfs web": "update", "LxcDomain web": "update" });
  expect(await controller()).toBe(runs);
  await stack.converged();
  expect((await stack.destroy()).ok).toBe(true);
  expect(await snapshot(host)).toEqual(before);
});

test("a host that gets another name and has its former one as an alias keeps its ID, and what is not named after it stays as it is", async () => {
  const config = { "svirt-lxc:archive": site.archive, "svirt-lxc:containers": { web: {} } };
  const stack = await site.stack("alias", config, { project: options });
  expect((await stack.up()).ok).toBe(true);
  await stack.configure({ ...config, "svirt-lxc:hostAs": "beta" });
  const announced = await stack.preview();
  const done = await stack.up();
  expect(done.ok ? "" : done.output).toBe("");
  expect(verbs(done)).toEqual(verbs(announced));
  expect(verbs(done)).toEqual(
    Object.fromEntries(
      ["SelinuxEnforcing", "SelinuxPolicy", "LibvirtService"].map((kind) => [`${kind} beta`, "update"]),
    ),
  );
  await stack.converged();
  expect((await stack.destroy()).ok).toBe(true);
  expect(await snapshot(host)).toEqual(before);
});

// https://github.com/pulumi/pulumi/issues/6310: dynamic providers are given a text for what is unknown.
test("a host that the same program makes: unknown in the preview, and used once it is there", async () => {
  const config = { "svirt-lxc:archive": site.archive, "svirt-lxc:containers": { web: {} }, "svirt-lxc:made": true };
  const stack = await site.stack("made", config, { project: options });
  const announced = await stack.preview();
  expect(announced.ok ? "" : announced.output).toBe("");
  const done = await stack.up();
  expect(done.ok ? "" : done.output).toBe("");
  expect(verbs(done)).toEqual(verbs(announced));
  await stack.converged();
  expect((await stack.destroy()).ok).toBe(true);
  expect(await snapshot(host)).toEqual(before);
});
