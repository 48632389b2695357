import { rm } from "node:fs/promises";
import { join } from "node:path";
import { installCommandPlugin } from "../support/command/install.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import type { Run, Stack } from "../support/stack.ts";

/** What is run by @pulumi/command: the upgrade of a host, and commands in a container. Each test begins where the one before ended. */

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHuEtjR me";
const SECRET = "correct horse's staple";
const ROOT = "/var/lib/svirt-lxc/roots/web/guest/root";

let site: Site;
let host: Host;
let stack: Stack;

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  stack = await site.stack("command", config({ provision: ["echo one >>log"] }));
  await stack.secret("svirt-lxc:token", SECRET);
  await stack.configure(config({ provision: ["echo one >>log"] }));
});

afterAll(() => site.end());

function config(web: object, alpha: object = {}): object {
  return site.config({ web: { authorizedKeys: [KEY], ...web } }, { alpha });
}

/** An `up`; what was done to commands, in order. */
async function up(web: object, alpha?: object): Promise<string[]> {
  await stack.configure(config(web, alpha));
  const run = await stack.up();
  expect(run.ok ? "" : run.output).toBe("");
  await stack.converged();
  return commandsOf(run);
}

function commandsOf({ operations }: Run): string[] {
  const commands = Object.entries(operations).filter(([name]) => name.startsWith("Command "));
  return commands.map(([name, { verb }]) => name.replace("Command", verb));
}
const log = () => host.read(`${ROOT}/log`);

test("without the plugin, what needs it fails and says how it is installed; the rest is made", async () => {
  const run = await stack.up();
  expect(run.ok).toBe(false);
  expect(run.output).toContain("pulumi plugin install resource command");
  expect(run.output).not.toMatch(/^ +at /m);
  expect(host.has(`${ROOT}/log`)).toBe(false);
  await stack.configure(config({}));
  const without = await stack.up();
  expect(without.ok ? "" : without.output).toBe("");
  await stack.converged();
});

test("commands are run in order, once, and what they print is logged", async () => {
  await installCommandPlugin(join(site.dir, "bin"));
  const provision = ["echo one >>log; echo printed by one", "pwd >>log"];
  await stack.configure(config({ provision }));
  const run = await stack.up();
  expect(run.ok ? "" : run.output).toBe("");
  expect(run.output).toContain("printed by one");
  expect(commandsOf(run)).toEqual(["create web-0", "create web-1"]);
  expect(await log()).toBe(`one\n${ROOT}\n`);
  await stack.converged();
  expect(await up({ provision })).toEqual([]);
});

test("one that changed is run again, and those after it; a secret goes by standard input", async () => {
  const provision = [
    "echo one >>log; echo printed by one",
    { run: "cat >>log", stdinSecret: "token" },
    "echo three >>log",
  ];
  await host.write(`${ROOT}/log`, "");
  expect(await up({ provision })).toEqual(["replace web-1", "create web-2"]);
  expect(await log()).toBe(`${SECRET}three\n`);
  const state = await stack.pulumi("stack", "export");
  expect(state).toContain("command:local:Command");
  expect(state).not.toContain("correct horse");
  await stack.secret("svirt-lxc:token", "another");
  await host.write(`${ROOT}/log`, "");
  expect(await up({ provision })).toEqual(["replace web-1", "replace web-2"]);
  expect(await log()).toBe("anotherthree\n");
});

test("a preview tells what would be run, and runs nothing", async () => {
  await host.write(`${ROOT}/log`, "");
  await stack.configure(config({ provision: ["echo uno >>log"], hostname: "www" }));
  expect(commandsOf(await stack.preview())).toEqual(["replace web-0", "delete web-2", "delete web-1"]);
  expect(await log()).toBe("");
});

test("another host name runs nothing again, a root that is made anew everything; one that is taken off is forgotten", async () => {
  expect(await up({ provision: ["echo uno >>log"], hostname: "www" })).toEqual([
    "replace web-0",
    "delete web-2",
    "delete web-1",
  ]);
  expect(await up({ provision: ["echo uno >>log"], hostname: "w3" })).toEqual([]);
  expect(await log()).toBe("uno\n");
  expect(await up({ provision: ["echo uno >>log"], hostname: "w3", rebuild: "1" })).toEqual(["replace web-0"]);
  expect(await log()).toBe("uno\n");
});

test("another host key than the one that was made for the container is refused", async () => {
  await host.sh(`echo 'ssh-ed25519 AAAAother' >${ROOT}/etc/ssh/ssh_host_ed25519_key.pub`);
  const { output } = await stack.up("--target", "**web-0", "--replace", "**web-0", "--refresh=false");
  expect(output).toContain("Host key verification failed");
});

test("a host is upgraded before anything else is done there, and again when its trigger changes", async () => {
  expect((await stack.destroy()).ok).toBe(true);
  await host.write("/run/reboot-required", "");
  await stack.configure(config({}, { upgrade: "2026-11" }));
  const run = await stack.up();
  expect(run.ok ? "" : run.output).toBe("");
  expect(commandsOf(run)).toEqual(["create alpha-upgrade"]);
  expect((await stack.outputs()).needsReboot).toEqual({ alpha: true });
  await stack.converged();
  await host.sh("rm /run/reboot-required");
  expect(await up({}, { upgrade: "2026-11" })).toEqual([]);
  expect(await up({}, { upgrade: "2026-12" })).toEqual(["replace alpha-upgrade"]);
  expect((await stack.outputs()).needsReboot).toEqual({ alpha: false });
});

test("an upgrade that fails says why, and what comes after it is not begun", async () => {
  await host.write("/mnt/knobs/offline", "");
  await stack.configure(config({ hostname: "www" }, { upgrade: "2027-01" }));
  const run = await stack.up();
  expect(run.ok).toBe(false);
  expect(run.output).toContain("Unable to fetch some archives");
  expect(Object.keys(run.operations)).toEqual(["Command alpha-upgrade"]);
  await rm(host.path("/mnt/knobs/offline"));
});
