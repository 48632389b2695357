import { join } from "node:path";
import { checkout } from "../../scripts/setup/paths.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import type { Run, Stack } from "../support/stack.ts";

/** What Pulumi's users are used to. */

let site: Site;
let host: Host;
let before: string[];
let stack: Stack;

const project = join(checkout, "test/engine/programs/options");
const wish = (containers: object) => ({
  "svirt-lxc:archive": site.archive,
  "svirt-lxc:containers": containers,
});
const verbs = (run: Run) => Object.fromEntries(Object.entries(run.operations).map(([name, { verb }]) => [name, verb]));
const kept = async () => (await snapshot(host)).filter((line) => /(roots|domains)\/\w/.test(line));

beforeEach(async () => {
  site = await Site.create();
  host = await site.host();
  before = await snapshot(host);
  stack = await site.stack("habits", wish({ web: {} }), { project });
});

afterEach(() => site.end());

test("protect: destroy refuses, and nothing is changed", async () => {
  await stack.configure(wish({ web: { protect: true } }));
  expect((await stack.up()).ok).toBe(true);
  const was = await snapshot(host);
  expect(await stack.destroy()).toMatchObject({ ok: false, output: expect.stringContaining("protect") });
  expect(await snapshot(host)).toEqual(was);
  await stack.converged();
  await stack.configure(wish({ web: {} }));
  expect(await stack.up()).toMatchObject({ ok: true, operations: {} });
  expect((await stack.destroy()).ok).toBe(true);
  expect(await snapshot(host)).toEqual(before);
});

test("retainOnDelete: the container stays when its stack goes, with all that it stands on", async () => {
  await stack.configure(wish({ web: { retainOnDelete: true } }));
  expect((await stack.up()).ok).toBe(true);
  const was = await kept();
  // A container that is to stay is told so on the host, as the preview says.
  await stack.configure(wish({ web: {} }));
  const announced = await stack.preview();
  expect(verbs(announced)).toEqual({ "LxcRootfs web": "update", "LxcDomain web": "update" });
  expect(verbs(await stack.up())).toEqual(verbs(announced));
  await stack.configure(wish({ web: { retainOnDelete: true } }));
  expect(verbs(await stack.up())).toEqual(verbs(announced));
  expect(await kept()).toEqual(was);
  // The engine deletes nothing of it, and so it cannot be rebuilt.
  await stack.configure(wish({ web: { retainOnDelete: true, rebuild: "1" } }));
  expect(await stack.up()).toMatchObject({ ok: false, output: expect.stringContaining("takes it back as it is") });
  await stack.configure(wish({ web: { retainOnDelete: true } }));
  expect((await stack.up()).ok).toBe(true);
  await stack.converged();
  expect(await kept()).toEqual(was);
  const destroy = await stack.destroy();
  expect(destroy.ok ? "" : destroy.output).toBe("");
  expect(await kept()).toEqual(was);
  expect(await host.sh("virsh -q -c lxc:/// domstate web")).toContain("running");
  expect(await host.sh("ls /var/lib/svirt-lxc/images")).not.toBe("");
});

// https://github.com/pulumi/pulumi/issues/19654: the engine inherits it from the parent.
test("retainOnDelete by a parent, a grandparent, a transformation and a transform: the containers stay, with all that they stand on", async () => {
  const ways = ["parent", "grandparent", "transformation", "transform"];
  await stack.configure(
    wish(Object.fromEntries(ways.map((retainedBy) => [retainedBy, { retainedBy, rootPassword: "correct horse" }]))),
  );
  const up = await stack.up();
  expect(up.ok ? "" : up.output).toBe("");
  await stack.converged();
  expect(JSON.stringify(await stack.resources())).not.toContain("correct horse");
  const was = await kept();
  expect((await stack.destroy()).ok).toBe(true);
  expect(await kept()).toEqual(was);
  for (const name of ways) expect(await host.sh(`virsh -q -c lxc:/// domstate ${name}`)).toContain("running");
  expect(await host.sh("ls /mnt/networks /mnt/modules")).toMatch(/svirt_lxc\n.*svirt-lxc$/s);
});

test("--target, --replace and --parallel do what they are for", async () => {
  await stack.configure(wish({ web: {}, db: {} }));
  expect((await stack.up("--parallel", "64")).ok).toBe(true);
  const urn = (await stack.resources())["LxcDomain web"].urn;
  await host.sh("virsh -q -c lxc:/// destroy web; virsh -q -c lxc:/// destroy db");
  expect(Object.keys((await stack.up("--target", urn)).operations)).toEqual(["LxcDomain web"]);
  expect(await host.sh("virsh -q -c lxc:/// domstate db")).toContain("shut off");
  const replace = await stack.up("--replace", urn);
  expect(replace.ok ? "" : replace.output).toBe("");
  expect(replace.operations).toMatchObject({
    "LxcDomain web": { verb: "replace" },
    "LxcDomain db": { verb: "update" },
  });
  await stack.converged();
  expect((await stack.destroy("--target", urn)).order).toEqual(["delete LxcDomain web"]);
  expect((await stack.up()).order).toEqual(["create LxcDomain web"]);
  expect((await stack.destroy("--parallel", "64")).ok).toBe(true);
  expect(await snapshot(host)).toEqual(before);
});

// The name on the host is the component's: it is another container, whatever the alias says, and the preview tells.
test("a component that is renamed, with an alias, is announced as a replacement", async () => {
  expect((await stack.up()).ok).toBe(true);
  await stack.configure(wish({ web: { as: "www", was: ["web"] } }));
  const announced = await stack.preview();
  const done = await stack.up();
  expect(done.ok ? "" : done.output).toBe("");
  expect(verbs(done)).toEqual(verbs(announced));
  expect(verbs(announced)).toMatchObject({ "LxcRootfs www": "replace", "LxcDomain www": "replace" });
  await stack.converged();
  expect((await snapshot(host)).filter((line) => /\bweb\b/.test(line))).toEqual([]);
});

test("a component that is renamed, with an alias and the name on the host, keeps its container", async () => {
  expect((await stack.up()).ok).toBe(true);
  const data = "/var/lib/svirt-lxc/roots/web/guest/root/srv/data";
  await host.write(data, "precious");
  await stack.configure(wish({ web: { as: "www", was: ["web"], name: "web" } }));
  const announced = await stack.preview();
  const done = await stack.up();
  expect(done.ok ? "" : done.output).toBe("");
  expect(verbs(done)).toEqual(verbs(announced));
  expect(verbs(announced)).toEqual({ "LxcRootfs www": "update", "LxcDomain www": "update" });
  expect(await host.read(data)).toBe("precious");
  await stack.converged();
  expect((await stack.destroy()).ok).toBe(true);
  expect(await snapshot(host)).toEqual(before);
});

test("a stack that is renamed keeps its container, and goes without a trace", async () => {
  expect((await stack.up()).ok).toBe(true);
  await host.write("/var/lib/svirt-lxc/roots/web/guest/root/srv/data", "precious");
  await stack.rename("renamed");
  const announced = await stack.preview();
  const done = await stack.up();
  expect(done.ok ? "" : done.output).toBe("");
  expect(verbs(done)).toEqual(verbs(announced));
  expect(Object.values(done.operations).map((o) => o.verb)).not.toContain("replace");
  expect(await host.read("/var/lib/svirt-lxc/roots/web/guest/root/srv/data")).toBe("precious");
  await stack.converged();
  expect((await stack.destroy()).ok).toBe(true);
  expect(await snapshot(host)).toEqual(before);
});

test("a container that was taken out of the state stays when the stack goes, and runs on", async () => {
  expect((await stack.up()).ok).toBe(true);
  const was = await kept();
  const resources = await stack.resources();
  for (const name of ["LxcDomain web", "LxcRootfs web"])
    await stack.pulumi("state", "delete", resources[name].urn, "--yes");
  const destroy = await stack.destroy();
  expect(destroy.ok ? "" : destroy.output).toBe("");
  expect(await kept()).toEqual(was);
  expect(await host.sh("virsh -q -c lxc:/// domstate web; ls /mnt/modules")).toMatch(/running.*svirt_lxc/s);
  // The stack that had it is gone: declared again it is another one's, which takes it back if told to, and goes without a trace.
  expect((await stack.up()).output).toMatch(/it belongs to svirt-lxc\/habits@[0-9a-f]{8}\/LxcRootfs\/web/);
  await stack.configure(wish({ web: { adopt: true } }));
  const adopted = await stack.up();
  expect(adopted.ok ? "" : adopted.output).toBe("");
  expect(await kept()).toEqual(was);
  expect((await stack.destroy()).ok).toBe(true);
  expect(await snapshot(host)).toEqual(before);
});
