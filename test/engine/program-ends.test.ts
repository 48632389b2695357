import { join } from "node:path";
import { checkout } from "../../scripts/setup/paths.ts";
import { Site } from "../support/host/site.ts";

const project = join(checkout, "test/engine/programs/options");

let site: Site;

beforeAll(async () => {
  site = await Site.create();
});

afterAll(() => site.end());

test("a program that ends before it has registered all: the run fails, and no container is deleted", async () => {
  const host = await site.host();
  const config = { "svirt-lxc:archive": site.archive, "svirt-lxc:containers": { web: {} } };
  const stack = await site.stack("ends", config, { project });
  const first = await stack.up();
  expect(first.ok ? "" : first.output).toBe("");
  const before = Object.keys(await stack.resources());
  const running = await host.sh("virsh list --name");

  await stack.configure({ ...config, "svirt-lxc:ends": true });
  const { ok, output } = await stack.up();
  expect(ok).toBe(false);
  expect(output).toContain("the program ended before LxcImage base");
  expect(Object.keys(await stack.resources())).toEqual(before);
  expect(await host.sh("virsh list --name")).toBe(running);

  await stack.configure(config);
  const { operations } = await stack.up();
  expect(operations).toEqual({});
});
