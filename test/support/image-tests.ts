import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { layersFolder, mountedRoot, unitName } from "../../provider/tools/root-mount.ts";
import { labTest, ownDenials, sharedLab, testLabDir } from "./lab.ts";
import { keepHostPrepared } from "./lab-keeper.ts";
import { insideOf, makeLoginKey } from "./login.ts";
import { Stack } from "./stack.ts";
import { capability } from "./tar-members.ts";
import { commonNames, expectedNames, MACHINE_ID, plantIdentity, readRoot, servedKeys } from "./twins.ts";

/** Archives as people have them; see makeArchives. */
export type Archive = "base" | "straight" | "flat" | "keyed";

/** Tests of two containers of each of some archives; of the one with keys there must be some. */
export function imageTests(archives: readonly Archive[]): void {
  const twins = archives.map((archive) => [`${archive}-a`, `${archive}-b`] as const);

  let dir: string;
  let key: string;
  let stack: Stack;
  /** The public halves of the ssh host keys of `keyed`. */
  let imageKeys: string[];
  /** What other tests on the same host were denied before. */
  let denied: string[];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "svirt-lxc-images-"));
    await keepHostPrepared();
    key = await makeLoginKey(dir);
    const made = await makeArchives(dir);
    imageKeys = made.imageKeys;
    const common = { host: "lab", authorizedKeys: [`${key}.pub`], memory: "256MiB", disk: "512MiB" };
    const containers = twins.flat().map((name) => [name, { ...common, image: name.split("-")[0] }]);
    const config = {
      "svirt-lxc:hosts": { lab: { ssh: "lab", sshConfig: ".lab-test/ssh_config" } },
      "svirt-lxc:images": Object.fromEntries(archives.map((name) => [name, { archive: made.files[name]! }])),
      "svirt-lxc:containers": Object.fromEntries(containers),
    };
    stack = await Stack.create("lab-images", config, { dir });
    denied = await ownDenials(await sharedLab());
  }, 20 * 60_000);

  afterAll(async () => {
    await stack.destroy();
    await stack.remove();
    await rm(dir, { recursive: true });
  }, 20 * 60_000);

  const inside = insideOf(
    () => stack,
    () => key,
  );
  /** A script of Perl, by another program than perl if given, as a user without any right. */
  const perl = async (name: string, script: string, program = "perl") =>
    (await inside(name, `setpriv --reuid=1000 --regid=1000 --clear-groups ${program} -e '${script}'`)).stdout;

  labTest("two containers of each archive come up, and stay as they are", async () => {
    const { ok, output } = await stack.up();
    expect(ok ? "" : output).toBe("");
    await stack.converged();
  });

  labTest("each resolves localhost, itself and its neighbour", async () => {
    const { containers } = await stack.outputs();
    for (const [a, b] of twins) {
      expect(await commonNames(inside, a, b)).toEqual(expectedNames(a, b, containers[b].address));
      expect(await commonNames(inside, b, a)).toEqual(expectedNames(b, a, containers[a].address));
    }
  });

  labTest("none shares its identity with another, or with its image", async (lab) => {
    const { containers } = await stack.outputs();
    const ids: string[] = [];
    const keys: string[] = [];
    for (const name of twins.flat()) {
      const [, id = ""] = /^etc\/machine-id:([0-9a-f]{32})$/m.exec(await readRoot(lab, name, ["etc/machine-id"])) ?? [];
      ids.push(id);
      const served = await servedKeys(lab, containers[name].address);
      expect(served.length).toBeGreaterThan(0);
      keys.push(...served);
    }
    expect(new Set([...ids, "", MACHINE_ID]).size).toBe(twins.flat().length + 2);
    expect(new Set([...keys, ...imageKeys]).size).toBe(keys.length + imageKeys.length);
  });

  labTest("no unit has failed in any of them", async () => {
    for (const name of twins.flat())
      expect((await inside(name, "systemctl --failed --plain --no-legend")).stdout).toBe("");
  });

  labTest("folders that an archive has no entry for can be entered, and /tmp is everybody's", async () => {
    expect((await inside(twins[0]![0], "stat -c %a / /usr /etc /var/lib /tmp")).stdout.split("\n")).toEqual([
      "755",
      "755",
      "755",
      "755",
      "1777",
    ]);
  });

  labTest("a folder of the image is renamed, and back", async () => {
    const move = (from: string, to: string) => inside("keyed-a", `perl -e 'rename("${from}", "${to}") or die "$!\\n"'`);
    const list = async (folder: string) => (await inside("keyed-a", `find ${folder} -printf '%P\\n' | sort`)).stdout;
    const before = await list("/usr/share/dbus-1");
    expect(before).not.toBe("");
    await move("/usr/share/dbus-1", "/opt/moved");
    expect(await list("/opt/moved")).toBe(before);
    await move("/opt/moved", "/usr/share/dbus-1");
    expect(await list("/usr/share/dbus-1")).toBe(before);
  });

  labTest("two hard links of the image stay one file", async () => {
    await inside("keyed-a", "echo more >>/opt/one");
    const { stdout } = await inside("keyed-a", "cat /opt/two; stat -c '%h %i' /opt/one /opt/two | uniq");
    expect(stdout).toMatch(/^linked\nmore\n2 \d+$/);
    expect((await inside("keyed-b", "cat /opt/one")).stdout).toBe("linked");
  });

  const SOCKET = (type: string) => `use Socket; print socket(S, PF_INET, ${type}, 1) ? "open" : "$!"`;
  labTest("a file capability of the image acts, and every user may ping", async () => {
    expect(await perl("keyed-a", SOCKET("SOCK_RAW"))).toBe("Operation not permitted");
    expect(await perl("keyed-a", SOCKET("SOCK_RAW"), "/opt/raw")).toBe("open");
    for (const name of twins.map(([a]) => a)) expect(await perl(name, SOCKET("SOCK_DGRAM"))).toBe("open");
  });

  labTest("nothing was denied to a container, nor to libvirt's controller or the mounter", async (lab) => {
    expect((await ownDenials(lab)).filter((line) => !denied.includes(line))).toEqual([]);
  });

  labTest(
    "a root whose layers were restored as files is mounted without the index, with all that it holds",
    async (lab) => {
      const options = async () => (await lab.ssh(`findmnt -rn -o FS-OPTIONS ${mountedRoot("keyed-a")}`)).stdout;
      expect(await options()).toMatch(/redirect_dir=on,index=on/);
      await lab.ssh(
        [
          "virsh -q -c lxc:/// destroy keyed-a",
          `systemctl stop ${unitName("keyed-a")}`,
          `cd ${layersFolder("keyed-a")} && mount -o loop disk.img disk && cd disk`,
          "cp -a upper restored && rm -r upper && mv restored upper",
          "cd .. && umount disk",
          `systemctl start ${unitName("keyed-a")}`,
        ].join(" && "),
      );
      expect(await options()).toMatch(/redirect_dir=on(?!.*index)/);
      expect(await readRoot(lab, "keyed-a", ["opt/one"])).toContain("linked\nmore");
      const { ok, output } = await stack.up();
      expect(ok ? "" : output).toBe("");
      expect((await inside("keyed-a", "cat /opt/one")).stdout).toBe("linked\nmore");
    },
  );
}

/** The lab's own archive, the tool's, one that names no folders, and one with an identity, hard links and a capability. */
async function makeArchives(dir: string): Promise<{ files: Record<string, string>; imageKeys: string[] }> {
  const files = {
    base: join(testLabDir, "base.tar"),
    straight: join(testLabDir, "debian.tar"),
    flat: join(dir, "flat.tar"),
    keyed: join(dir, "keyed.tar"),
  };
  const tree = join(dir, "tree");
  await mkdir(tree);
  await execa("tar", ["-x", "--numeric-owner", "-p", "-f", files.base, "-C", tree]);
  const tar = (file: string, ...what: string[]) =>
    execa("tar", ["-c", "--numeric-owner", "-C", tree, "-f", file, ...what]);
  await writeFile(join(dir, "list"), (await execa("find", [".", "!", "-type", "d"], { cwd: tree })).stdout);
  await tar(files.flat, "--no-recursion", "--verbatim-files-from", "-T", join(dir, "list"));

  const imageKeys = await plantIdentity(tree);
  await writeFile(join(tree, "opt/one"), "linked\n");
  await execa("ln", [join(tree, "opt/one"), join(tree, "opt/two")]);
  await tar(files.keyed, ".");
  // The first member's header stands at the start, and what gives it a capability goes before.
  await execa("cp", [join(tree, "usr/bin/perl"), join(tree, "opt/raw")]);
  await tar(join(dir, "raw.tar"), "./opt/raw");
  const raw = await readFile(join(dir, "raw.tar"));
  const { size } = await stat(join(tree, "opt/raw"));
  const whole = await readFile(files.keyed);
  await writeFile(files.keyed, [capability(2), raw.subarray(0, 512 + ((size + 511) & ~511)), whole]);
  await rm(tree, { recursive: true });
  return { files, imageKeys };
}
