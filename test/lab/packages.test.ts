import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { labTest, ownDenials, sharedLab } from "../support/lab.ts";
import { keepHostPrepared } from "../support/lab-keeper.ts";
import { insideOf, makeLoginKey } from "../support/login.ts";
import { ensureRepositories, paths, SUITE } from "../support/repositories.ts";
import { Stack } from "../support/stack.ts";

/** An image that the host makes of packages, by the guide's own package manager, and a container of it. */

/** Where the host has a copy of the repositories. */
const MIRROR = "/srv/mirror";

let dir: string;
let key: string;
let stack: Stack;
let denied: string[];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "svirt-lxc-packages-"));
  await keepHostPrepared();
  key = await makeLoginKey(dir);
  const lab = await sharedLab();
  denied = await ownDenials(lab);
  await copyRepositories(lab.sshConfig);
  await lab.ssh(
    `echo 'deb [signed-by=${MIRROR}/${paths.key}] file:${MIRROR}/${paths.debian} ${SUITE} main' >/etc/apt/sources.list`,
  );
  stack = await Stack.create("lab-packages", config(), { dir });
}, 20 * 60_000);

afterAll(async () => {
  await stack.destroy();
  await stack.remove();
  await (await sharedLab()).ssh(`rm -rf ${MIRROR}; : >/etc/apt/sources.list`);
  await rm(dir, { recursive: true });
}, 20 * 60_000);

const inside = insideOf(
  () => stack,
  () => key,
);

function config(rebuild?: string) {
  const repositories = {
    local: { baseurl: `file://${MIRROR}/${paths.fedora}`, gpgkey: `${MIRROR}/${paths.key}` },
  };
  const container = { host: "lab", image: "fedora", authorizedKeys: [`${key}.pub`], memory: "256MiB" };
  return {
    "svirt-lxc:hosts": { lab: { ssh: "lab", sshConfig: ".lab-test/ssh_config" } },
    "svirt-lxc:images": { fedora: { dnf: { release: 42, repositories }, rebuild } },
    "svirt-lxc:containers": { web: container },
  };
}

labTest("the host installs dnf, makes a root of the guide's packages, and a container of it is confined", async () => {
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  expect((await stack.outputs()).containers.web.verdict).toBe("confined");
  const { outputs } = (await stack.resources())["LxcImage lab.fedora"];
  expect(outputs.packages).toContain("openssh-server.x86_64=0:1.0-1.fc42");
  await stack.converged();
});

labTest("it has what was installed, and no unit of it has failed", async () => {
  expect((await inside("web", "cat /usr/share/fedora-release/release")).stdout).toBe("fedora-release 1.0");
  expect((await inside("web", "systemctl --failed --plain --no-legend")).stdout).toBe("");
});

labTest(
  "a build goes on while nobody is there, and the next run joins it; the container keeps its root",
  async (lab) => {
    await stack.configure(config("2"));
    const up = stack.start("up", "--yes", "--skip-preview");
    await up.printed("Installing       :");
    await up.kill();
    const [unit = ""] = (await lab.ssh("systemctl list-units --plain --no-legend 'svirt-lxc-build-*'")).stdout.split(
      " ",
    );
    expect(unit).toMatch(/^svirt-lxc-build-/);
    await stack.pulumi("cancel", "--yes");
    const before = await lab.ssh("stat -c %Y /var/lib/svirt-lxc/roots/web");
    const { ok, output, operations } = await stack.up();
    expect(ok ? "" : output).toBe("");
    expect(Object.keys(operations)).not.toContain("LxcDomain web");
    expect((await lab.ssh("stat -c %Y /var/lib/svirt-lxc/roots/web")).stdout).toBe(before.stdout);
    await stack.converged();
  },
);

labTest("nothing was denied to the container, nor to libvirt's controller or the mounter", async (lab) => {
  expect((await ownDenials(lab)).filter((line) => !denied.includes(line))).toEqual([]);
});

async function copyRepositories(sshConfig: string): Promise<void> {
  const { dir: repositories } = await ensureRepositories();
  const tar = join(dir, "mirror.tar");
  await execa("tar", ["-c", "-f", tar, "-C", repositories, "."]);
  await execa(
    "ssh",
    ["-F", sshConfig, "lab", `mkdir -p ${MIRROR} && tar -x -C ${MIRROR} && chmod -R go+rX ${MIRROR}`],
    {
      input: await readFile(tar),
    },
  );
}
