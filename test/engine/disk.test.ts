import type { Host } from "../support/host/host.ts";
import { running } from "../support/host/records.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import type { Run, Stack } from "../support/stack.ts";

/** The disk of a container's root, on a file system and a loop device that are real; only its growth is played. Each test begins where the one before ended. */

const ROOTS = "/var/lib/svirt-lxc/roots";
const LAYERS = `${ROOTS}/web/layers`;
const MIB = 1024 ** 2;

let site: Site;
let host: Host;
let stack: Stack;
let before: string[];

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  before = await snapshot(host);
  stack = await site.stack("disk", site.config({ web: {} }));
});

afterAll(() => site.end());

const worked = (run: Run) => {
  expect(run.ok ? "" : run.output).toBe("");
  return run;
};
const up = async (containers: Record<string, object>) => {
  await stack.configure(site.config(containers));
  return stack.up();
};
/** The bytes of its disk, as a look at the mounts tells. */
const limit = async () =>
  Number((await host.sh(`findmnt -brno TARGET,VFS-OPTIONS,FS-OPTIONS,SIZE ${LAYERS}/disk`)).split(" ").at(-1));
const inodes = async (name: string) => Number(await host.sh(`stat -f -c %c ${ROOTS}/${name}/guest/root`));

test("a root is made with 4 GiB, and with an inode for each 16 KiB of them", async () => {
  worked(await up({ web: {} }));
  expect(await limit()).toBe(4096 * MIB);
  expect(await inodes("web")).toBe((4096 * MIB) / 16384);
  expect(await host.read(`${ROOTS}/web/root.json`)).toContain('"disk":"4GiB"');
  // Sparse; and the owners on it are those inside.
  expect(Number(await host.sh(`du -m ${LAYERS}/disk.img | cut -f1`))).toBeLessThan(20);
  expect(await host.sh(`stat -c %u ${LAYERS}/disk/upper ${LAYERS}/mapped/upper`)).toBe("0\n1879048192");
  await stack.converged();
  expect((await stack.up()).operations).toEqual({});
});

test("it grows while the container runs", async () => {
  const pid = await running(host);
  const run = worked(await up({ web: { disk: "6GiB" } }));
  expect(run.operations).toEqual({
    "LxcRootfs web": expect.objectContaining({ verb: "update", properties: ["disk"] }),
  });
  expect(await limit()).toBe(6144 * MIB);
  expect(await running(host)).toBe(pid);
  await stack.converged();
});

test("it does not shrink: a preview says so, and nothing is changed", async () => {
  const was = await snapshot(host);
  await stack.configure(site.config({ web: { disk: "2GiB" } }));
  const { ok, output } = await stack.preview();
  expect(ok).toBe(false);
  expect(output).toMatch(
    /property disk value .2GiB. has a problem: cannot shrink from 6GiB to 2GiB: keep the size that it has, or change `rebuild`/,
  );
  expect(output).not.toMatch(/^ +at /m);
  expect((await stack.up()).ok).toBe(false);
  expect(await snapshot(host)).toEqual(was);
});

test("one that is declared no more stays as it is", async () => {
  worked(await up({ web: {} }));
  expect(await limit()).toBe(6144 * MIB);
  await stack.converged();
});

const drifts: [what: string, change: string, shown: RegExp, isRestarted: boolean][] = [
  ["its file is cut off", `truncate -s 3G ${LAYERS}/disk.img`, /disk *: "3GiB"/, false],
  ["it is unmounted", `umount ${LAYERS}/mapped ${LAYERS}/disk`, /LxcRootfs/, true],
];
test.each(drifts)("drift: %s", async (_, change, shown, isRestarted) => {
  const pid = await running(host);
  await host.sh(change);
  const preview = await stack.preview("--diff");
  expect(preview.operations["LxcRootfs web"]?.verb).toBe("update");
  expect(preview.output).toMatch(shown);
  worked(await stack.up());
  expect(await limit()).toBe(6144 * MIB);
  expect((await running(host)) !== pid).toBe(isRestarted);
  await stack.converged();
});

test("what the host cannot keep is refused before anything is made, with the figures", async () => {
  const was = await snapshot(host);
  const run = await up({ web: {}, big: { disk: "240GiB" } });
  expect(run.ok).toBe(false);
  expect(run.output).toMatch(/the host cannot keep a disk of 240GiB for big: 23\d\.\d GiB can be promised/);
  expect(run.output).toMatch(/25\d\.\d GiB free; of these, [56]\.\d GiB are promised.* 12\.8 GiB \(5 % of it\)/);
  expect(run.output).toMatch(/remedy: set `disk` of big to a smaller size/);
  expect(await snapshot(host)).toEqual(was);
  const grown = await up({ web: { disk: "300GiB" } });
  expect(grown.output).toContain("the host cannot keep a disk of 300GiB for web");
  expect(await snapshot(host)).toEqual(was);
});

test("of two that are made at the same time, the second is refused if only one can be kept", async () => {
  const run = await up({ web: {}, one: { disk: "200GiB" }, two: { disk: "200GiB" } });
  expect(run.ok).toBe(false);
  expect(run.output).toMatch(/the host cannot keep a disk of 200GiB for (one|two): /);
  expect((await host.sh(`ls ${ROOTS}`)).split("\n")).toHaveLength(2);
  worked(await up({ web: {} }));
});

test("a full disk is full for its container only, in bytes and in inodes", async () => {
  worked(await up({ web: {}, small: { disk: "64MiB" } }));
  const root = `${ROOTS}/small/guest/root`;
  /** In MiB, of the host. */
  const free = async () => Number(await host.sh("stat -f -c %f /var/lib")) / 256;
  const was = await free();
  const said = await host.sh(`dd if=/dev/zero of=${root}/fill bs=1M count=200 2>&1 || true`);
  expect(said).toContain("No space left on device");
  await host.sh(`rm ${root}/fill; mkdir ${root}/many`);
  expect(await host.sh(`cd ${root}/many && seq 5000 | xargs touch 2>&1 || true`)).toContain("No space left on device");
  expect(was - (await free())).toBeLessThan(100);
  expect(await inodes("small")).toBe(4096);
  await stack.converged();
  worked(await up({ web: {} }));
});

test("a file that was removed while it is mounted is told of, and the container left running", async () => {
  await host.sh(`cp --sparse=always ${LAYERS}/disk.img /mnt/copy && rm ${LAYERS}/disk.img`);
  const run = await stack.up();
  expect(run.ok).toBe(false);
  expect(run.output).toMatch(/the file of the disk of web was removed.*remedy: /s);
});

test("a root whose disk is missing is not made anew by itself: it is an error until the file is put back", async () => {
  await host.sh("virsh -c lxc:/// destroy web; systemctl stop svirt-lxc-root-web.service");
  const was = await snapshot(host);
  const run = await stack.up();
  expect(run.ok).toBe(false);
  expect(run.output).toMatch(/the disk of the root web is missing.*remedy: put the file back/s);
  expect(await snapshot(host)).toEqual(was);
  await host.sh(`mv /mnt/copy ${LAYERS}/disk.img`);
  worked(await stack.up());
  expect(await limit()).toBe(6144 * MIB);
  await stack.converged();
});

test("a root that is made anew can have a smaller one", async () => {
  worked(await up({ web: { disk: "1GiB", rebuild: "1" } }));
  expect(await limit()).toBe(1024 * MIB);
  await stack.converged();
});

test("nothing is left of it", async () => {
  // Devices are the whole machine's, and other hosts have files of this name.
  const files = "losetup -lnO BACK-MAJ:MIN,BACK-INO";
  const file = await host.sh(`${files} $(findmnt -no SOURCE ${LAYERS}/disk)`);
  expect(file.trim()).toMatch(/^\d+:\d+ +\d+$/);
  worked(await stack.destroy());
  expect((await host.sh(files)).split("\n")).not.toContain(file);
  expect(await snapshot(host)).toEqual(before);
});
