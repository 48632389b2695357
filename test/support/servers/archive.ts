import { chmod, copyFile, link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bootstrap } from "../../../lab/bootstrap.ts";
import { baseRecipe } from "../../../lab/recipe.ts";
import { cached } from "../../../scripts/setup/cache.ts";
import { step } from "../../../scripts/setup/progress.ts";
import { requireRoot } from "../../../scripts/setup/root.ts";
import { run } from "../../../scripts/setup/run.ts";
import { SERVERS } from "./index.ts";

const NAME = "servers.tar.gz";

/** What a container needs anyway, what requests are made with, and all that is in the table. */
const packages = [
  ..."systemd-sysv libpam-systemd libnss-systemd dbus openssh-server iproute2 procps curl".split(" "),
  ...SERVERS.flatMap((server) => server.packages),
];

/** Puts the archive of a container root with the servers of the table at `<dir>/servers.tar.gz`, built if there is none. */
export async function ensureServersArchive(dir: string): Promise<void> {
  const recipe = [packages, await readFile(import.meta.filename, "utf8")];
  const archive = join(await cached({ name: "servers", recipe, build }), NAME);
  const target = join(dir, NAME);
  await rm(target, { force: true });
  await link(archive, target).catch(() => copyFile(archive, target)); // another file system
}

async function build(dir: string): Promise<void> {
  requireRoot("The archive of servers");
  await step("container root archive (servers)", async () => {
    const root = join(dir, "root");
    await bootstrap({ root, suite: "trixie", packages: [...new Set(packages)] });
    await leaveToTests(root);
    await run("sh", ["-c", 'cd "$1" && rm -f etc/ssh/ssh_host_* etc/hostname etc/resolv.conf', "sh", root]);
    await writeFile(join(root, "etc/machine-id"), "uninitialized\n");
    const without = ["./dev/*", ...baseRecipe.exclude].map((path) => `--exclude=${path}`);
    // It goes to an emulated host, by ssh: less to send is less to wait for.
    const tar = ["--numeric-owner", "-I", "gzip -1", "--anchored", ...without, "-C", root, "-cf", join(dir, NAME), "."];
    await run("tar", tar);
    await chmod(join(dir, NAME), 0o444);
    await rm(root, { recursive: true });
  });
}

/** Nothing starts by itself but ssh, at the first boot neither. */
async function leaveToTests(root: string): Promise<void> {
  for (const target of ["multi-user", "sockets", "timers"])
    await rm(join(root, `etc/systemd/system/${target}.target.wants`), { recursive: true, force: true });
  await run("systemctl", ["--root", root, "enable", "ssh.service"]);
  const presets = join(root, "etc/systemd/system-preset");
  await mkdir(presets, { recursive: true });
  await writeFile(join(presets, "00-servers.preset"), "enable ssh.service\ndisable *\n");
}
