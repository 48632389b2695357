import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SCHEMA_VERSION } from "../../provider/engine/lifecycle.ts";
import { checkout } from "../../scripts/setup/paths.ts";
import { Site } from "../support/host/site.ts";
import type { Stack } from "../support/stack.ts";

/** What the state holds, and what it must not. */

const PASSWORD = "correct horse battery";
let site: Site;
let stack: Stack;
let checkpoint: string;
let hash: string;
let proof: string;

beforeAll(async () => {
  site = await Site.create();
  const host = await site.host();
  const web = { rootPasswordSecret: "password", authorizedKeys: ["ssh-ed25519 AAAA me"] };
  stack = await site.stack("state", site.config({ web }));
  await stack.secret("svirt-lxc:password", PASSWORD);
  expect((await stack.up()).ok).toBe(true);
  checkpoint = await stack.pulumi("stack", "export");
  hash = /^root:([^:]+)/.exec(await host.read("/var/lib/svirt-lxc/roots/web/guest/root/etc/shadow"))![1]!;
  proof = JSON.parse(await host.read("/var/lib/svirt-lxc/roots/web/root.json")).passwordHash;
});

afterAll(() => site.end());

test("no secret in clear: not the password, its hash or its proof", () => {
  expect(hash).toMatch(/^\$/);
  expect(proof).toMatch(/.{40}/);
  for (const secret of [PASSWORD, hash, proof, "PRIVATE KEY"]) expect(checkpoint).not.toContain(secret);
});

test("a password that a program gives in clear is none in the state", async () => {
  const clear = "in clear text";
  const config = { "svirt-lxc:archive": site.archive, "svirt-lxc:containers": { db: { rootPassword: clear } } };
  const other = await site.stack("clear", config, { project: join(checkout, "test/engine/programs/options") });
  expect((await other.up()).ok).toBe(true);
  const resources = JSON.stringify(await other.resources()); // Pulumi keeps the configuration, too, where it stood in clear
  expect(resources).toContain("rootPassword");
  expect(resources).not.toContain(clear);
  expect((await other.destroy()).ok).toBe(true);
});

test("no path of the workstation: not of the checkout, and not where a resource was declared", () => {
  expect(checkpoint).not.toContain(checkout);
  for (const { type, sourcePosition } of JSON.parse(checkpoint).deployment.resources)
    expect(type === "pulumi:pulumi:Stack" ? undefined : sourcePosition).toBeUndefined();
});

test("no code but the source, the same for all but its name", async () => {
  const sources = Object.values(await stack.resources()).map((r) => {
    const token = r.type.split(":").at(-1);
    return (r.inputs.__provider as string).replaceAll(`"${token}"`, "TOKEN");
  });
  expect(new Set(sources).size).toBe(1);
  const [source = ""] = sources;
  expect(source.length).toBeLessThan(200);
  expect(source).toContain('("svirt-lxc/provider")');
  const vocabulary = readFileSync(`${checkout}/provider/tools/virsh.ts`, "utf8").match(/lxc:\/\/\//);
  for (const word of ["virsh", "flock", "zod", "execa", ...(vocabulary ?? [])]) expect(source).not.toContain(word);
});

test("a format version in every resource", async () => {
  for (const resource of Object.values(await stack.resources()))
    expect(resource.outputs.schemaVersion).toBe(SCHEMA_VERSION);
});

test("what is observed is small, and the same in the next state", async () => {
  for (const { outputs } of Object.values(await stack.resources()))
    expect(JSON.stringify(outputs.observed).length).toBeLessThan(2000);
  const outputs = async () => Object.values(await stack.resources()).map((r) => r.outputs);
  const was = await outputs();
  expect((await stack.refresh()).ok).toBe(true);
  const secrets = { rootPassword: expect.anything(), secretObservation: expect.anything() };
  expect(await outputs()).toEqual(was.map((o) => (o.rootPassword ? { ...o, ...secrets } : o)));
});

test("a state of a newer release is refused with what to do", async () => {
  const state = JSON.parse(checkpoint);
  for (const { outputs } of state.deployment.resources) if (outputs?.schemaVersion) outputs.schemaVersion = 99;
  await stack.import(JSON.stringify(state));
  const run = await stack.up();
  expect(run.ok).toBe(false);
  expect(run.output).toMatch(/newer release \(format 99, this release knows \d+\)[\s\S]*remedy:/);
  await stack.import(checkpoint);
  await stack.converged();
});
