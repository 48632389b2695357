import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { checkout } from "../../scripts/setup/paths.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";

/** The package that is published, in someone else's project: the example, outside of this checkout. */

const EXAMPLE = join(checkout, "examples/library");

/** Of Pulumi's SDK, as someone else's project may have it: not the one that this checkout has. */
const OTHER_VERSION = "3.258.0";

let site: Site;
let host: Host;
let project: string;

interface Tree {
  version?: string;
  dependencies?: Record<string, Tree>;
}

const npm = (...args: string[]) =>
  execa("npm", [...args, "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"], { cwd: project });

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  project = join(site.dir, "acme");
  await cp(EXAMPLE, project, { recursive: true });
  const { stdout } = await execa(process.execPath, [join(checkout, "scripts/pack.ts"), site.dir]);
  await npm("install", join(site.dir, stdout.trim().split("\n").at(-1)!), `@pulumi/pulumi@${OTHER_VERSION}`);
});

afterAll(() => site.end());

test("it uses the copy of Pulumi's SDK that the project has, and brings none", async () => {
  const { stdout } = await execa("npm", ["ls", "--all", "--json", "@pulumi/pulumi"], { cwd: project });
  const versions = (tree: Tree): string[] =>
    Object.entries(tree.dependencies ?? {}).flatMap(([name, at]) => [
      ...(name === "@pulumi/pulumi" && at.version ? [at.version] : []),
      ...versions(at),
    ]);
  expect(new Set(versions(JSON.parse(stdout)))).toEqual(new Set([OTHER_VERSION]));
});

// As Pulumi's template has it, and as it had it for long.
test.each([
  ["nodenext", "nodenext"],
  ["commonjs", "node"],
])("its types are those that a program needs: modules of %s", async (module, resolution) => {
  const options = ["--noEmit", "--esModuleInterop", "--module", module, "--moduleResolution", resolution];
  const tsc = (...args: string[]) =>
    execa("node_modules/.bin/tsc", [...options, ...args], { cwd: project, reject: false });
  expect((await tsc()).stdout).toBe("");
  await execa("sed", ["-i", "s/memory: .*/memroy: 5,/", "index.ts"], { cwd: project });
  expect((await tsc("--pretty", "false")).stdout).toMatch(/error TS2561: .*'memroy' does not exist/);
  await cp(join(EXAMPLE, "index.ts"), join(project, "index.ts"));
});

test.each(["22", "24"])("on Node %s, up makes a container, and destroy leaves nothing", async (major) => {
  const before = await snapshot(host);
  await npm("install", "--no-save", `node@${major}`);
  const node = join(project, "node_modules/node/bin");
  expect((await execa(join(node, "node"), ["--version"])).stdout).toMatch(new RegExp(`^v${major}\\.`));
  const config = { "acme:ssh": "alpha", "acme:archive": site.archive };
  const stack = await site.stack("acme", config, { project, node });
  await stack.secret("acme:password", "correct horse");
  const up = await stack.up();
  expect(up.ok ? "" : up.output).toBe("");
  expect(await stack.outputs()).toEqual({ verdict: "confined" });
  await stack.converged();
  expect(await host.sh("cat /var/lib/svirt-lxc/slots/0")).toMatch(/acme\/acme@[0-9a-f]{8}\/LxcRootfs\/web/);
  const audit = (...args: string[]) => stack.exec(join(project, "node_modules/.bin/svirt-lxc-audit"), ...args);
  expect(await audit("acme")).toMatchObject({
    stdout: expect.stringMatching(/^web on alpha: confined\n/),
    exitCode: 0,
  });
  await writeFile(join(site.dir, "web.log"), await host.read("/var/log/svirt-lxc/evidence/web.log"));
  expect(await audit("--verify", join(site.dir, "web.log"), "acme")).toMatchObject({
    stdout: expect.stringMatching(/^✓ line 1: \S+ web on .*: confined when it was started\n✓ line 8: /),
    exitCode: 0,
  });
  expect(await audit("--verify", "/nowhere", "acme")).toMatchObject({
    stderr: expect.stringMatching(/^\/nowhere cannot be read: .*$/),
    exitCode: 1,
  });
  expect((await stack.destroy()).ok).toBe(true);
  expect(await snapshot(host)).toEqual(before);
  await host.sh("rm -r /var/log/svirt-lxc/evidence");
});

test("what needs @pulumi/command says how it is installed, where the project does not have it", async () => {
  await execa("sed", ["-i", 's/new LxcHost("alpha", {/& upgrade: "1",/', "index.ts"], { cwd: project });
  const stack = await site.stack("acme-upgrade", { "acme:ssh": "alpha", "acme:archive": site.archive }, { project });
  const run = await stack.preview();
  await cp(join(EXAMPLE, "index.ts"), join(project, "index.ts"));
  expect(run.ok).toBe(false);
  expect(run.output).toContain("npm install @pulumi/command@1.2.1");
  expect(run.output).not.toMatch(/^ +at /m);
});
