import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { until } from "../../lab/wait.ts";
import { checkout } from "../../scripts/setup/paths.ts";
import { installCommandPlugin } from "../support/command/install.ts";
import { Console } from "../support/console.ts";
import { labTest, ownDenials, sharedLab } from "../support/lab.ts";
import { insideOf, makeLoginKey } from "../support/login.ts";
import { sampleProcesses } from "../support/sampler.ts";
import { type Run, Stack } from "../support/stack.ts";

/** What a container is set to, and what is run in it, on a real host. Each test begins where the one before ended. */

const PASSWORD = "correct horse battery staple";
const TOKEN = "a token that nobody sees";

let dir: string;
let key: string;
let stack: Stack;
/** What other tests on the same host were denied before. */
let denied: string[];

const config = (web: object, lab: object = {}) => ({
  "svirt-lxc:hosts": { lab: { ssh: "lab", sshConfig: ".lab-test/ssh_config", ...lab } },
  "svirt-lxc:images": { base: { archive: ".lab-test/base.tar" } },
  "svirt-lxc:containers": { web: { ...settings(), ...web } },
});

const settings = () => ({
  host: "lab",
  image: "base",
  authorizedKeys: [`${key}.pub`],
  rootPasswordSecret: "password",
  timezone: "Europe/Berlin",
  locale: "C.UTF-8",
  mask: ["apt-daily.timer"],
  users: { ada: { groups: ["adm"], shell: "/bin/bash", authorizedKeys: [`${key}.pub`] } },
  files: {
    "/etc/motd": { content: "Welcome\n" },
    "/home/ada/token": { contentSecret: "token", mode: "0400", owner: "ada", group: "ada" },
  },
});

const commands = ["hostname >>/root/log; echo printed inside", { run: "cat >/root/token", stdinSecret: "token" }];

beforeAll(async () => {
  denied = await ownDenials(await sharedLab());
  dir = await mkdtemp(join(tmpdir(), "svirt-lxc-lab-"));
  await mkdir(join(dir, "bin"));
  await installCommandPlugin(join(dir, "bin"));
  key = await makeLoginKey(dir);
  stack = await Stack.create("lab-settings", config({}), { dir });
  await stack.secret("svirt-lxc:password", PASSWORD);
  await stack.secret("svirt-lxc:token", TOKEN);
});

afterAll(async () => {
  await stack.destroy();
  await stack.remove();
  await rm(dir, { recursive: true });
});

const inside = insideOf(
  () => stack,
  () => key,
);
const login = async (command: string) => (await inside("web", command)).stdout;

async function up(web: object, lab?: object): Promise<Run> {
  await stack.configure(config(web, lab));
  const run = await stack.up();
  expect(run.ok ? "" : run.output).toBe("");
  return run;
}

labTest("the settings are what the container sees", async () => {
  await up({});
  expect(await login("date +%Z; timedatectl show -p Timezone")).toMatch(/^CES?T\nTimezone=Europe\/Berlin$/);
  expect(await login("locale | head -n 1; cat /etc/default/locale")).toBe("LANG=C.UTF-8\nLANG=C.UTF-8");
  expect(await login("systemctl is-enabled apt-daily.timer || true")).toBe("masked");
  expect(await login("stat -c '%a %U %G' /etc/motd /home/ada/token; cat /etc/motd /home/ada/token")).toBe(
    `644 root root\n400 ada ada\nWelcome\n${TOKEN}`,
  );
  expect(await login("id ada; getent passwd ada")).toMatch(
    /^uid=1000\(ada\) .*\(adm\)\nada:x:1000:1000::\/home\/ada:\/bin\/bash$/,
  );
  expect(await login("systemctl is-system-running --wait")).toBe("running");
  await stack.converged();
});

labTest("a user logs in by key", async () => {
  const options = ["-F", ".svirt/ssh_config", "-o", "BatchMode=yes", "-i", key, "-l", "ada"];
  const { stdout } = await execa("ssh", [...options, `web.${stack.name}`, "whoami; cat token"], { cwd: checkout });
  expect(stdout).toBe(`ada\n${TOKEN}`);
});

labTest("root logs in at the console by password", async (lab) => {
  const console = new Console(lab, "web");
  try {
    await console.sees(/Escape character/);
    console.types("");
    await console.sees(/login: /);
    console.types("root");
    await console.sees(/Password: /);
    console.types(PASSWORD);
    await console.sees(/root@web:.*# /);
    console.types("echo $((6 * 7)) $(id -un) $(tty)");
    expect(await console.sees(/42 [^\n]*\n/)).toMatch(/42 root \/dev\/(console|pts\/0)/);
    console.types("exit");
    await console.sees(/login: /);
  } finally {
    await console.leave();
  }
});

labTest("commands are run inside, once; a secret is in no process and not in state", async (lab) => {
  const samplers = [sampleProcesses(), sampleProcesses("ssh", "-F", lab.sshConfig, "lab")];
  const run = await up({ provision: commands });
  const [here = "", there = ""] = await Promise.all(samplers.map((sampler) => sampler.stop()));
  expect(run.output).toContain("printed inside");
  expect(Object.keys(run.operations)).toEqual(["Command web-0", "Command web-1"]);
  expect(await login("cat log token")).toBe(`web\n${TOKEN}`);
  // Pulumi itself hands a program its configuration in its environment.
  const handed = /^PULUMI_CONFIG=.*/gm;
  expect(here.match(handed)?.join("\n")).toContain(TOKEN);
  expect(here).toContain("cat >/root/token");
  const seen = { here: here.replaceAll(handed, ""), there, state: await stack.pulumi("stack", "export") };
  for (const [where, text] of Object.entries(seen)) expect([where, text.includes(TOKEN)]).toEqual([where, false]);
  await stack.converged();
});

labTest("a restart runs none again, a change those from it on, another root all", async (lab) => {
  // It may say that it failed to, when the container's control group has gone meanwhile.
  await lab.ssh("virsh -q -c lxc:/// destroy web", { reject: false });
  await until("the end of the container", 300, async () => {
    const { stdout } = await lab.ssh("virsh -q -c lxc:/// list --name");
    return stdout.trim() === "";
  });
  expect(Object.keys((await up({ provision: commands })).operations)).toEqual(["LxcDomain web"]);
  const changed = [commands[0], "echo changed >>/root/log"];
  expect(Object.keys((await up({ provision: changed })).operations)).toEqual(["Command web-1"]);
  expect(await login("cat log")).toBe("web\nchanged");
  const anew = await up({ provision: changed, rebuild: "1" });
  expect(Object.keys(anew.operations)).toEqual(
    expect.arrayContaining(["LxcRootfs web", "Command web-0", "Command web-1"]),
  );
  expect(await login("cat log")).toBe("web\nchanged");
  await stack.converged();
});

labTest("the host is upgraded, and says whether it needs a reboot", async (lab) => {
  await lab.ssh("touch /run/reboot-required");
  await up({}, { upgrade: "1" });
  expect((await stack.outputs()).needsReboot).toEqual({ lab: true });
  await lab.ssh("rm /run/reboot-required");
  const again = await up({}, { upgrade: "2" });
  expect(Object.keys(again.operations)).toContain("Command lab-upgrade");
  expect((await stack.outputs()).needsReboot).toEqual({ lab: false });
  await stack.converged();
});

labTest("nothing was denied to the container for it", async (lab) => {
  expect((await ownDenials(lab)).filter((line) => !denied.includes(line))).toEqual([]);
});
