import { quoteArgv } from "../../provider/host/batch.ts";
import { removeFolder } from "../../provider/tools/images.ts";
import type { Host } from "../support/host/host.ts";
import { damage, RECORDS, running, STRAYS, scatter, WAYS } from "../support/host/records.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import type { Stack } from "../support/stack.ts";

/**
 * Records are damaged under a running container: a preview names each of them, `up` writes it anew, and the container goes on.
 * Each record and each way of damage is among them; the complete sweep is `npm run test:sweep`.
 */

let site: Site;
let host: Host;
let stack: Stack;
let before: string[];
let intact: string[];
let pid: string;

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  before = await snapshot(host);
  // The first slot is web's.
  stack = await site.stack("records", site.config({ web: {} }));
  expect((await stack.up()).ok).toBe(true);
  await stack.configure(site.config({ web: {}, db: {} }));
  expect((await stack.up()).ok).toBe(true);
  intact = await snapshot(host);
  pid = await running(host);
});

afterAll(async () => {
  await site.end();
  process.stderr.write(`records: ${damaged} damaged\n`);
});

let damaged = 0;
// One record of each resource a way, another one with the next.
const resources = [...new Set(RECORDS.map(([, resource]) => resource))];
const waves = WAYS.map((how, i): [string, [path: string, resource: string][]] => [
  how,
  resources.map((resource) => {
    const own = RECORDS.filter(([, r]) => r === resource);
    return own[i % own.length]!;
  }),
]);

test.each(waves)(
  "%s: a preview names the records, and up writes them anew under the running container",
  async (how, wave) => {
    for (const [path] of wave) await damage(host, path, how);
    damaged += wave.length;
    expect(await snapshot(host)).not.toEqual(intact);
    const { operations, ok } = await stack.preview();
    expect(ok).toBe(true);
    expect(Object.fromEntries(Object.entries(operations).map(([name, o]) => [name, o.verb]))).toEqual(
      // What the root tells on is not known before its update.
      Object.fromEntries([...resources, "LxcDomain web"].map((name) => [name, "update"])),
    );
    for (const name of resources) expect(operations[name]!.properties.join()).toContain("drift");
    const up = await stack.up();
    expect(up.ok ? "" : up.output).toBe("");
    expect(await snapshot(host)).toEqual(intact);
    expect(await running(host)).toBe(pid);
    await stack.converged();
  },
);

test("files among the records that are none change nothing", async () => {
  await scatter(host);
  expect((await stack.up()).operations).toEqual({});
  await host.sh(`cd /var/lib/svirt-lxc && rm -r ${STRAYS.map((s) => s.replace("/root.json", "")).join(" ")}`);
  expect(await snapshot(host)).toEqual(intact);
});

test("a root of which no record can be read is named, and neither taken nor removed before one says that it is theirs", async () => {
  await damage(host, "slots/0", "empty");
  await damage(host, "roots/web/root.json", "half");
  const up = await stack.up();
  expect(up.ok).toBe(false);
  expect(up.output).toMatch(/roots\/web\/root\.json/);
  await stack.configure(site.config({ web: { adopt: true }, db: {} }));
  const adopted = await stack.up();
  expect(adopted.ok ? "" : adopted.output).toBe("");
  expect(await snapshot(host)).toEqual(intact);
  expect(await running(host)).toBe(pid);
  await stack.converged();
});

test("what a root is mounted from, or in, cannot be removed, whatever the records say", async () => {
  const [image] = (await host.sh("ls /var/lib/svirt-lxc/images")).split("\n");
  for (const folder of [`images/${image}`, "roots/web"]) {
    const { argv } = removeFolder({ id: "remove", title: "Removing" }, folder);
    await expect(host.sh(quoteArgv(argv))).rejects.toThrow(/something is mounted/);
  }
  expect(await snapshot(host)).toEqual(intact);
});

test("with all that is shared claimed by nobody knows whom, a destroy removes its own and leaves the rest", async () => {
  await host.sh('for d in /var/lib/svirt-lxc/claims/*; do : >"$d/%zz"; done');
  for (const [path] of RECORDS.filter(([path]) => path !== "slots/0")) {
    if (!path.startsWith("claims")) await damage(host, path, "zeros");
  }
  const destroy = await stack.destroy("--refresh");
  expect(destroy.ok ? "" : destroy.output).toBe("");
  for (const thing of ["policy", "libvirt"]) expect(destroy.output).toContain(`/claims/${thing}/%zz`);
  expect(await stack.resources()).toEqual({});
  const left = (await snapshot(host)).filter((line) => !before.includes(line));
  for (const rest of ["/mnt/modules/svirt_lxc", "/mnt/networks/svirt-lxc", "/var/lib/svirt-lxc/images"])
    expect(left.join("\n")).toContain(rest);
  expect(left.join("\n")).not.toMatch(/roots|slots|domains\/(web|db)/);
});
