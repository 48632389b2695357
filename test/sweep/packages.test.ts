import { lxcImage } from "../../provider/resources/lxc-image.ts";
import { resolveSource } from "../../provider/sources/index.ts";
import { disturbed } from "../support/host/disturb.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import { ensureRepositories, paths, type Repositories } from "../support/repositories.ts";
import type { Stack } from "../support/stack.ts";

/** Images that the host makes of packages, by a unit of its own that outlives whoever asked for it. */

/** Where the host has the repositories. */
const MIRROR = "/mnt/mirror";
const APT = { suite: "trixie", packages: ["systemd-sysv", "openssh-server"] };

let site: Site;
let host: Host;
let stack: Stack;
let repositories: Repositories;

beforeAll(async () => {
  repositories = await ensureRepositories();
  site = await Site.create();
  host = await site.host();
  await host.addPackages("dnf", "rpm", "mmdebstrap", "debian-archive-keyring");
  await host.sh(`ln -s ${repositories.dir} ${MIRROR}`);
  stack = await site.stack("packages", {});
});

afterAll(() => site.end());

const configure = (base: object, containers: Record<string, object> = { web: {} }) =>
  stack.configure({ ...site.config(containers), "svirt-lxc:images": { base } });
const image = async () => (await stack.resources())["LxcImage alpha.base"]?.outputs;
/** What there is of images that are not complete. */
const staging = () => host.sh("find /var/lib/svirt-lxc/staging -mindepth 2 2>/dev/null || true");
const upAgain = async () => {
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
};
/** The processes of builds. */
const building = () =>
  host.sh('for f in /run/systemd/transient/*.session; do /usr/bin/ps -o args= -s "$(cat $f)" || true; done');

test("packages are installed once, listed with their versions, and make a container", async () => {
  await configure({ apt: APT });
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  expect((await image()).packages).toEqual(["openssh-server:amd64=1", "systemd-sysv:amd64=1"]);
  expect((await stack.outputs()).containers.web.verdict).toBe("confined");
  await stack.converged();
  expect(await staging()).toBe("");
});

test("a preview says that a recipe has changed; the container keeps its root until it is told", async () => {
  await configure({ apt: { ...APT, packages: [...APT.packages, "procps"] } });
  const preview = await stack.preview("--refresh");
  expect(preview.operations["LxcImage alpha.base"]).toMatchObject({ verb: "replace" });
  expect(preview.operations["LxcImage alpha.base"]!.properties).toContain("apt");
  const { ok, operations } = await stack.up();
  expect(ok).toBe(true);
  expect(operations["LxcRootfs web"]).toBeUndefined();
  expect((await image()).packages).toContain("procps:amd64=1");
  await stack.converged();
});

test("the tools that a host lacks are installed first", async () => {
  await host.write("/mnt/packages", (await host.read("/mnt/packages")).replace(/^mmdebstrap\n/m, ""));
  await configure({ apt: APT, rebuild: "tools" });
  await upAgain();
  expect(await host.read("/mnt/packages")).toMatch(/^mmdebstrap$/m);
});

describe.each([
  ["the connection is cut", "cut"],
  ["the connection is cut, with all that it started", "lost"],
  ["the engine is killed", "kill"],
] as const)("%s in the middle of a build", (_, how) => {
  test("the build goes on, and the next run joins it", async () => {
    await configure({ apt: APT, rebuild: how });
    await host.write("/mnt/knobs/slow-build", "");
    const up = stack.start("up", "--yes", "--skip-preview");
    await Promise.race([up.printed("I: installing packages"), up.done]);
    if (how === "kill") await up.kill();
    else await host.cut();
    if (how === "lost") await host.killBatches();
    expect((await up.done).ok).toBe(false);
    await stack.pulumi("cancel", "--yes").catch(() => undefined);
    const journal = await host.sh("ls -i /run/systemd/transient/*.journal");

    const next = stack.start("up", "--yes", "--skip-preview");
    await Promise.race([next.printed("joining the build that runs already"), next.done]);
    await host.sh("rm /mnt/knobs/slow-build");
    const { ok, output } = await next.done;
    expect(ok ? "" : output).toBe("");
    expect(await host.sh("ls -i /run/systemd/transient/*.journal")).toBe(journal);
    await stack.converged();
    expect(await staging()).toBe("");
  });
});

test("killed after each step of making an image of packages, the next run goes on", async () => {
  await configure({ apt: APT, rebuild: "kills" });
  await upAgain();
  let killed = 0;
  for (let step = 1; ; step++) {
    await configure({ apt: APT, rebuild: `kills ${step}` });
    const run = await disturbed(host, stack, "up", step, "kill after");
    if (!run) break;
    killed++;
    expect(run.ok).toBe(false);
    await upAgain();
    expect(await staging()).toBe("");
  }
  await stack.converged();
  // The old one is given up; the new one is claimed, built, put in place and recorded.
  expect(killed).toBeGreaterThanOrEqual(5);
});

test("destroyed in the middle of a build, nothing of it is left, nor goes on", async () => {
  expect((await stack.destroy()).ok).toBe(true);
  const before = await snapshot(host);
  await configure({ apt: APT, rebuild: "given up" });
  await host.write("/mnt/knobs/slow-build", "");
  const up = stack.start("up", "--yes", "--skip-preview");
  await Promise.race([up.printed("I: installing packages"), up.done]);
  await up.kill();
  await stack.pulumi("cancel", "--yes");
  const { ok, output } = await stack.destroy();
  expect(ok ? "" : output).toBe("");
  expect(await building()).toBe("");
  await host.sh("rm /mnt/knobs/slow-build");
  await host.idle();
  expect(await snapshot(host)).toEqual(before);
});

test("a mirror that is away: the error says so and what to do, and nothing half-made is taken for an image", async () => {
  await configure({ apt: APT, rebuild: "away" });
  await host.write("/mnt/knobs/mirror-away", "");
  const { ok, output } = await stack.up();
  expect(ok).toBe(false);
  expect(output).toMatch(/Could not connect to mirror\.example[\s\S]*remedy: see that the host reaches the mirror/);
  expect(await staging()).toBe("");
  await host.sh("rm /mnt/knobs/mirror-away");
  await upAgain();
});

describe("the real dnf, on a repository of RPMs", () => {
  const dnf = (more: object = {}, repository: object = {}) => ({
    release: 42,
    repositories: {
      local: {
        baseurl: `file://${MIRROR}/${paths.fedora}`,
        gpgkey: `${MIRROR}/${paths.key}`,
        ...repository,
      },
    },
    ...more,
  });

  test("the guide's own list of packages makes a root", async () => {
    await configure({ dnf: dnf() });
    const { ok, output } = await stack.up();
    expect(ok ? "" : output).toBe("");
    expect((await image()).packages).toContain("systemd.x86_64=0:1.0-1.fc42");
    const { digest } = await resolveSource({ dnf: lxcImage.schema.shape.dnf!.parse(dnf()) } as never, undefined);
    const root = `/var/lib/svirt-lxc/images/${digest}/root`;
    expect(await host.sh(`ls -A ${root}/dev ${root}/proc ${root}/run`)).toBe(
      `${root}/dev:\n\n${root}/proc:\n\n${root}/run:`,
    );
    expect(await host.sh(`stat -c %a ${root}/tmp`)).toBe("1777");
  });

  const broken: [what: string, recipe: () => object, said: RegExp, remedy: RegExp][] = [
    ["a wrong key", () => dnf({}, { gpgkey: `${MIRROR}/${paths.otherKey}` }), /GPG check FAILED/, /give the gpgkey/],
    ["an unknown package", () => dnf({ packages: ["systemd", "nosuch"] }), /nosuch/, /names of the packages/],
    ["a scriptlet that fails", () => dnf({ packages: ["systemd", "broken"] }), /scriptlet failed/, /rpm is too old/],
    ["no /sbin/init", () => dnf({ packages: ["setup"] }), /holds no \/sbin\/init/, /./],
    [
      "a mirror that is away",
      () => dnf({}, { baseurl: "http://127.0.0.1:9/fedora" }),
      /Failed to download|Cannot download/,
      /reaches the mirror/,
    ],
    ["no repository there", () => dnf({}, { baseurl: "file:///srv/nothing" }), /repomd|Failed to download/, /./],
  ];
  test.each(broken)("%s: the error, its remedy, and no image", async (_, recipe, said, remedy) => {
    await configure({ dnf: recipe() });
    const { ok, output } = await stack.up();
    expect(ok).toBe(false);
    expect(output).toMatch(said);
    expect(output.slice(output.indexOf("remedy: "))).toMatch(remedy);
    expect(await staging()).toBe("");
  });

  test("a full disk: the error, its remedy, and no image", async () => {
    await configure({ dnf: dnf(), rebuild: "full" });
    await host.write("/mnt/knobs/disk-full", "");
    const { ok, output } = await stack.up();
    expect(ok).toBe(false);
    expect(output).toMatch(/remedy: make room/);
    await host.sh("rm /mnt/knobs/disk-full; umount -q /var/lib/svirt-lxc/staging/*/root || true");
    await upAgain();
  });
});
