import { join } from "node:path";
import { checkout } from "../../scripts/setup/paths.ts";
import { Site } from "../support/host/site.ts";
import { ensureRepositories, paths } from "../support/repositories.ts";
import type { Stack } from "../support/stack.ts";

/** The environments of this project differ in their configuration alone: one program previews, makes and removes each. */

const ENVIRONMENTS: [name: string, hosts: string[], containers: string[]][] = [
  ["dev", ["dev-host.example"], ["db", "web"]],
  ["prod", ["alpha.example", "beta.example"], ["db", "web"]],
  ["lab", ["lab"], ["web"]],
];

/** Where each host has the repositories. */
const MIRROR = "/mnt/mirror";

let site: Site;
const stacks = new Map<string, Stack>();

beforeAll(async () => {
  site = await Site.create();
  for (const [, hosts] of ENVIRONMENTS)
    for (const name of hosts) {
      const host = await site.host(name);
      await host.write("/etc/apt/keyrings/site.gpg", "");
      await host.addPackages("dnf", "rpm");
      await host.sh(`ln -s ${(await ensureRepositories()).dir} ${MIRROR}`);
    }
});

afterAll(() => site.end());

/** The configuration of an environment as it is in git, with what no other machine has: its hosts are played, and so are mirrors. */
async function configuration(stack: Stack, name: string): Promise<object> {
  const repositories = { local: { baseurl: `file://${MIRROR}/${paths.fedora}`, gpgkey: `${MIRROR}/${paths.key}` } };
  const read: Record<string, { objectValue: object }> = JSON.parse(
    await stack.pulumi("config", "--json", "--config-file", join(checkout, `Pulumi.${name}.yaml`)),
  );
  const values = Object.entries(read).map(([key, { objectValue }]) => [key, objectValue]);
  const text = JSON.stringify(Object.fromEntries(values))
    .replace(/"[^"]*\.pub"/g, '"ssh-ed25519 AAAA me"')
    .replace(/"[^"]*\.tar"/, JSON.stringify(site.archive))
    .replace(/{"release":44}/, JSON.stringify({ release: 42, repositories }));
  return JSON.parse(text);
}

test.each(ENVIRONMENTS)("%s is previewed, made, and then as it should be", async (name, _, containers) => {
  const stack = await site.stack(name, {}, { backend: join(site.dir, "state") });
  stacks.set(name, stack);
  const declared = await configuration(stack, name);
  await stack.configure(declared);
  for (const [, secret] of JSON.stringify(declared).matchAll(/"rootPasswordSecret":"(\w+)"/g))
    await stack.secret(`svirt-lxc:${secret}`, "correct horse");
  await stack.configure(declared);

  const preview = await stack.preview();
  expect(preview.ok ? "" : preview.output).toBe("");
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  const made = (await stack.outputs()).containers;
  expect(Object.keys(made).sort()).toEqual(containers);
  for (const container of containers) expect(made[container].verdict).toBe("confined");
  await stack.converged();
});

test("another project refers to the containers of one", async () => {
  const project = join(checkout, "examples/stack-reference");
  const config = { "balancer:containers": "organization/svirt-lxc/prod" };
  const stack = await site.stack("balancer", config, { project, backend: join(site.dir, "state") });
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  expect((await stack.outputs()).backends).toEqual({
    alpha: ["server web 10.99.0.2:80"],
    beta: ["server db 10.99.16.2:80"],
  });
});

test.each(ENVIRONMENTS)("%s is removed", async (name) => {
  const { ok, output } = await stacks.get(name)!.destroy();
  expect(ok ? "" : output).toBe("");
  expect(await stacks.get(name)!.resources()).toEqual({});
});
