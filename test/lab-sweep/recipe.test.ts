import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { basePackages } from "../../lab/recipe.ts";
import { labTest, ownDenials, sharedLab } from "../support/lab.ts";
import { expectEnforcing, says as hostSays } from "../support/lab-selinux.ts";
import { insideOf, makeLoginKey } from "../support/login.ts";
import { ensureRepositories, paths, SUITE } from "../support/repositories.ts";
import { Stack } from "../support/stack.ts";

/**
 * The guide from its begin: a host whose SELinux is disabled, a root that is made there of packages by the guide's own package
 * manager, and a container of it that is confined. Each test begins where the one before ended.
 */

/** Where the host has a copy of the repositories. */
const MIRROR = "/srv/mirror";

let dir: string;
let key: string;
let stack: Stack;
let denied: string[];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "svirt-lxc-recipe-"));
  key = await makeLoginKey(dir);
  const lab = await sharedLab();
  denied = await ownDenials(lab);
  await copyRepositories(lab.sshConfig);
  await lab.ssh(
    `echo 'deb [signed-by=${MIRROR}/${paths.key}] file:${MIRROR}/${paths.debian} ${SUITE} main' >/etc/apt/sources.list`,
  );
  stack = await Stack.create("lab-recipe", config(), { dir });
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

function config(more: object = {}, rebuild?: string) {
  const repositories = {
    local: { baseurl: `file://${MIRROR}/${paths.fedora}`, gpgkey: `${MIRROR}/${paths.key}` },
  };
  const container = { host: "lab", image: "fedora", authorizedKeys: [`${key}.pub`], memory: "256MiB" };
  return {
    "svirt-lxc:hosts": { lab: { ssh: "lab", sshConfig: ".lab-test/ssh_config", ...more } },
    "svirt-lxc:images": { fedora: { dnf: { release: 42, repositories }, rebuild } },
    "svirt-lxc:containers": { web: container },
  };
}

/** The same with a second container, of Debian's packages. */
function withDebian(wanted: ReturnType<typeof config>) {
  const mirrors = [{ url: `file://${MIRROR}/${paths.debian}` }];
  const apt = { suite: SUITE, packages: basePackages, mirrors, keyring: `${MIRROR}/${paths.key}` };
  const { fedora } = wanted["svirt-lxc:images"];
  const { web } = wanted["svirt-lxc:containers"];
  return {
    ...wanted,
    "svirt-lxc:images": { fedora, debian: { apt } },
    "svirt-lxc:containers": { web, db: { ...web, image: "debian" } },
  };
}

const says = async (command: string) => hostSays(await sharedLab(), command);
const bootId = () => says("cat /proc/sys/kernel/random/boot_id");
const outputsOf = async (name: string) => (await stack.resources())[name].outputs;

labTest("a host with SELinux disabled is prepared, and not restarted unasked", async (lab) => {
  // What is made while no policy is loaded has no label.
  await lab.ssh("sed -i s/^SELINUX=.*/SELINUX=disabled/ /etc/selinux/config");
  await lab.reboot("Disabled");
  await lab.ssh("for f in passwd group shadow; do cp -p /etc/$f /etc/new && mv /etc/new /etc/$f; done");
  const boot = await bootId();
  const refused = await stack.up();
  expect(refused.ok).toBe(false);
  expect(refused.output).toMatch(
    /SELinux is disabled: no policy was loaded.*prepared.*stops no domain.*reboot: "allowed"/s,
  );
  expect(await outputsOf("SelinuxEnforcing lab")).toMatchObject({ mode: "disabled", rebootRequired: true });
  expect(await says("cat /.autorelabel; grep ^SELINUX= /etc/selinux/config")).toBe("-F\nSELINUX=permissive");
  expect(await bootId()).toBe(boot);
});

labTest("one up restarts it, makes a root of the guide's packages, and ends with a confined container", async (lab) => {
  await stack.configure(config({ reboot: "allowed" }));
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  await expectEnforcing(lab);
  expect(await outputsOf("SelinuxEnforcing lab")).toMatchObject({ mode: "enforcing", rebootRequired: false });
  expect((await stack.outputs()).containers.web.verdict).toBe("confined");
  const { packages } = await outputsOf("LxcImage lab.fedora");
  expect(packages).toContain("openssh-server.x86_64=0:1.0-1.fc42");
  await stack.converged();
});

labTest("it has what was installed, and no unit of it has failed", async () => {
  expect((await inside("web", "cat /usr/share/fedora-release/release")).stdout).toBe("fedora-release 1.0");
  expect((await inside("web", "systemctl --failed --plain --no-legend")).stdout).toBe("");
});

labTest(
  "a build goes on while nobody is there, and the next run joins it; the container keeps its root",
  async (lab) => {
    await stack.configure(config({}, "2"));
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

labTest("a root of Debian's packages is made there, too, and its container is confined", async () => {
  await stack.configure(withDebian(config({}, "2")));
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  expect((await stack.outputs()).containers.db.verdict).toBe("confined");
  const { packages } = await outputsOf("LxcImage lab.debian");
  expect(packages).toContainEqual(expect.stringMatching(/^openssh-server:amd64=1:/));
  expect(
    (await inside("db", "systemctl is-system-running --wait; dpkg-query -W -f '${Status}' openssh-server")).stdout,
  ).toBe("running\ninstall ok installed");
  await stack.converged();
});

labTest("nothing was denied to a container, nor to libvirt's controller or the mounter", async (lab) => {
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
