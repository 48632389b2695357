import type { Statement } from "../../provider/confinement/statement.ts";
import { verify } from "../../provider/verify.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import type { Stack } from "../support/stack.ts";

/** What a host signs of its containers, a test an event; each begins where the one before ended. */

const LOG = "/var/log/svirt-lxc/evidence/web.log";
const FOUND = "/var/lib/svirt-lxc/evidence/web.found";
let site: Site;
let host: Host;
let stack: Stack;

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  stack = await site.stack("evidence", site.config({ web: {} }));
});

afterAll(() => site.end());

const keys = async (): Promise<string[]> =>
  Object.values(JSON.parse(await stack.pulumi("stack", "output", "evidenceKeys", "--json")));
const evidence = async () => (await stack.resources())["LxcDomain web"].outputs.evidence;

/** The statements that the log of web has, each genuine. */
async function signed(): Promise<Statement[]> {
  const all = await verify(await host.read(LOG), await keys());
  expect(all.filter(({ fault }) => fault !== undefined)).toEqual([]);
  return all.map(({ statement }) => statement!);
}
const told = ({ predicate: { occasion, verdict } }: Statement) => `${occasion}: ${verdict}`;

test("a container that was made has its start signed, and what the `up` found, which the state names by its digest", async () => {
  const run = await stack.up();
  expect(run.ok ? "" : run.output).toBe("");
  const all = await signed();
  expect(all.map(told)).toEqual(["start: confined", "look: confined"]);
  expect(all[1]!.predicate.checks.map(({ what }) => what)).toContain("namespaces");
  expect(await evidence()).toBe(all[1]!.subject[0].digest.sha256);
  await stack.converged();
});

test("another start is signed without an `up`; one that sees the same signs nothing, and changes nothing", async () => {
  await host.sh("virsh -q -c lxc:/// destroy web; virsh -q -c lxc:/// start web");
  expect((await signed()).map(told)).toEqual(["start: confined", "look: confined", "start: confined"]);
  const [was, log] = [await stack.pulumi("stack", "export"), await host.read(LOG)];
  const run = await stack.up();
  expect(run.operations).toEqual({});
  expect(run.roundTrips).toHaveLength(1);
  expect(await host.read(LOG)).toBe(log);
  expect(JSON.parse(await stack.pulumi("stack", "export")).deployment.resources.map(outputsOf)).toEqual(
    JSON.parse(was).deployment.resources.map(outputsOf),
  );
});
const outputsOf = ({ outputs }: { outputs?: { observed?: object } }) => outputs?.observed;

test("what is new since the last look is signed, and nothing else is changed", async () => {
  await host.write(FOUND, `${"0".repeat(64)}\n`);
  const preview = await stack.preview("--refresh", "--diff");
  expect(preview.operations).toEqual({ "LxcDomain web": { verb: "update", properties: ["drift"] } });
  const run = await stack.up();
  expect(run.order).toEqual(["update LxcDomain web"]);
  expect((await signed()).map(told).at(-1)).toBe("look: confined");
  expect(await host.read(FOUND)).toBe(`${await evidence()}\n`);
  await stack.converged();
});

test("one that is found unconfined is signed as that, stopped, and signed again as it is then", async () => {
  const before = (await signed()).length;
  const init = (await host.sh("cat /proc/$(cat /run/libvirt/lxc/web.pid)/task/*/children")).trim();
  await host.write(`/mnt/labels/${init}`, "system_u:system_r:virtd_lxc_t:s0");
  const run = await stack.up();
  expect(run.ok ? "" : run.output).toBe("");
  const since = (await signed()).slice(before);
  expect(since.map(told)).toEqual(["look: not confined", "start: confined", "look: confined"]);
  expect(since[0]!.predicate.checks.flatMap(({ faults }) => faults)).toContain(
    "not as system_u:system_r:svirt_lxc_sys_t:s0:c0,c512 but as system_u:system_r:virtd_lxc_t:s0 runs systemd",
  );
  await stack.converged();
});

test("a key that is lost is made anew, and the output tells of it", async () => {
  const [was] = await keys();
  await host.sh("rm /var/lib/svirt-lxc/evidence/key /var/lib/svirt-lxc/evidence/key.pub");
  expect((await stack.up()).order).toEqual(["update LibvirtService alpha"]);
  const [now] = await keys();
  expect(now).toMatch(/^ssh-ed25519 \S+$/);
  expect(now).not.toBe(was);
  await stack.converged();
});

test("where signing fails, the error says where to look, and the next `up` signs", async () => {
  await host.write(FOUND, `${"0".repeat(64)}\n`);
  await host.sh("mv /var/log/svirt-lxc/evidence /var/log/svirt-lxc/away");
  const run = await stack.up();
  expect(run.ok).toBe(false);
  expect(run.output).toMatch(/remedy: see on the host `journalctl -u svirt-lxc-sign.service`/);
  await host.sh("mv /var/log/svirt-lxc/away /var/log/svirt-lxc/evidence");
  expect((await stack.up()).ok).toBe(true);
  await stack.converged();
});

test("the key goes with the stack, and what was signed stays", async () => {
  expect((await stack.destroy()).ok).toBe(true);
  expect(host.has("/var/lib/svirt-lxc")).toBe(false);
  expect(await host.read(LOG)).toContain("BEGIN SSH SIGNATURE");
});
