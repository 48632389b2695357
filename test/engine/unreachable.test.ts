import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import type { Stack } from "../support/stack.ts";

/** Two hosts: one of them does not answer, or a container is declared on the other one. */

let site: Site;
let alpha: Host;
let beta: Host;
let stack: Stack;

const config = (memory: string) => ({
  ...site.config({ web: { memory }, db: { memory, host: "beta" } }),
  "svirt-lxc:hosts": { alpha: { ssh: "alpha" }, beta: { ssh: "beta" } },
});

beforeAll(async () => {
  site = await Site.create();
  alpha = await site.host("alpha");
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
  expect(all.output).toMatch(/remedy:[\s\S]*`pulumi up --refresh=false --target URN …`/);
  const { urn } = (await stack.resources())["LxcDomain web"];
  const targeted = await stack.up("--refresh=false", "--target", urn);
  expect(targeted.operations).toMatchObject({ "LxcDomain web": { verb: "update" } });
  await beta.reachable(true);
  expect((await stack.up()).ok).toBe(true);
});

test("another machine that answers under its name is neither looked at nor changed, and nothing of it counts as gone", async () => {
  const id = await beta.read("/etc/machine-id");
  const other = "0".repeat(31).concat("1");
  await beta.write("/etc/machine-id", `${other}\n`);
  await beta.steps();
  const before = await stack.resources();
  await stack.configure(config("2GiB"));
  for (const operation of ["refresh", "up"] as const) {
    const run = await stack[operation]();
    expect(run.ok).toBe(false);
    expect(run.output).toMatch(/beta is another machine than before[\s\S]*remedy: +correct the connection/);
    for (const machine of [id.trim(), other]) expect(run.output).toContain(machine);
    expect(run.output).not.toContain("alpha is another machine");
  }
  // Not even one that has nothing in the state, nor without a look before.
  const more = {
    ...config("1GiB"),
    ...site.config({ web: { memory: "1GiB" }, db: { memory: "1GiB", host: "beta" }, new: { host: "beta" } }),
  };
  await stack.configure({ ...more, "svirt-lxc:hosts": config("1GiB")["svirt-lxc:hosts"] });
  const made = await stack.up("--refresh=false");
  expect(made.output).toMatch(/beta is another machine than before/);
  const { urn } = before["LxcDomain db"]!;
  expect(await stack.destroy("--target", urn)).toMatchObject({ ok: false });
  expect(await beta.steps()).toEqual([]);
  expect(Object.keys(await stack.resources()).sort()).toEqual(Object.keys(before).sort());
  await beta.write("/etc/machine-id", id);
  await stack.configure(config("1GiB"));
  expect((await stack.up()).ok).toBe(true);
  await stack.converged();
});

test("a container that is declared on the other host is not lost: the error says how to move it", async () => {
  const moved = {
    ...config("1GiB"),
    ...site.config({ web: { memory: "1GiB", host: "beta" }, db: { memory: "1GiB", host: "beta" } }),
  };
  await alpha.write("/var/lib/svirt-lxc/roots/web/guest/root/srv/data", "precious");
  await stack.configure({ ...moved, "svirt-lxc:hosts": config("1GiB")["svirt-lxc:hosts"] });
  const run = await stack.up();
  expect(run.ok).toBe(false);
  expect(run.output).toMatch(/LxcRootfs web is not on beta[\s\S]*made on alpha[\s\S]*remedy:[\s\S]*--replace URN/);
  expect(await alpha.read("/var/lib/svirt-lxc/roots/web/guest/root/srv/data")).toBe("precious");
  expect(beta.has("/var/lib/svirt-lxc/roots/web")).toBe(false);

  const { urn } = (await stack.resources())["LxcRootfs web"];
  const replaced = await stack.up("--replace", urn);
  expect(replaced.ok ? "" : replaced.output).toBe("");
  expect(alpha.has("/var/lib/svirt-lxc/roots/web")).toBe(false);
  expect(beta.has("/var/lib/svirt-lxc/roots/web/root.json")).toBe(true);
  await stack.converged();
  expect((await stack.destroy()).ok).toBe(true);
});
