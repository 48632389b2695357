import type { Lab } from "../../lab/index.ts";
import { until } from "../../lab/wait.ts";
import { Documented } from "../support/generated.ts";
import { denials, labTest, ownDenials, sharedLab } from "../support/lab.ts";
import { keepHostPrepared } from "../support/lab-keeper.ts";
import { LabLife } from "../support/lab-life.ts";

/** What limits what a container writes, on a real kernel that enforces. Each test begins where the one before ended. */

const LAYERS = "/var/lib/svirt-lxc/roots/web/layers";
const life = new LabLife("lab-disk");
let denied: string[];
const left = async (lab: Lab) =>
  (await lab.ssh("losetup -a; findmnt -rno TARGET | grep svirt-lxc; ls /var/lib/svirt-lxc /etc/systemd/system; true"))
    .stdout;
let before: string;
const documented = new Documented("docs/limits.md", "disk", ["A container …", "limited by", "gets", "the host keeps"]);

beforeAll(async () => {
  await keepHostPrepared();
  before = await left(await sharedLab());
  denied = await ownDenials(await sharedLab());
}, 20 * 60_000);

const login = async (command: string) => (await life.login(command)).stdout;
const pid = async (lab: Lab) => (await lab.ssh("cat /run/libvirt/lxc/web.pid")).stdout;
/** MiB that are free on the host. */
const free = async (lab: Lab) => Number((await lab.ssh("df -m --output=avail /var/lib | tail -n 1")).stdout);
const size = () => login("df -m --output=size,itotal / | tail -n 1");

async function up(web: object): Promise<void> {
  await life.stack.configure(life.config({ web: { ...life.web, ...web } }));
  const run = await life.stack.up();
  expect(run.ok ? "" : run.output).toBe("");
}

labTest("root fills its disk, in bytes and in inodes: the host keeps its space, and still writes", async (lab) => {
  await up({ disk: "256MiB" });
  expect((await size()).trim()).toMatch(/^256 +16384$/);
  const before = await free(lab);
  expect(
    await login("fallocate -l 20G /fill 2>&1; dd if=/dev/zero of=/fill2 bs=1M 2>&1; df --output=avail / | tail -n 1"),
  ).toMatch(/fallocate failed: No space left on device.*No space left on device.*\n *0$/s);
  expect(before - (await free(lab))).toBeLessThan(300);
  await lab.ssh("dd if=/dev/zero of=/var/lib/proof bs=1M count=700 conv=fsync && rm /var/lib/proof");
  documented.note("allocates and writes all that there is", "disk", "no space left", "its space, and writes");
  // What it removes is the host's again.
  await login("rm /fill /fill2; sync");
  await until("the host's space", 300, async () => before - (await free(lab)) < 100);

  expect(
    await login(
      "mkdir /many && cd /many && seq 20000 | xargs touch 2>&1 | tail -n 1; df --output=iavail / | tail -n 1",
    ),
  ).toMatch(/No space left on device\n *0$/);
  expect(Number((await lab.ssh("df --output=iavail /var/lib | tail -n 1")).stdout)).toBeGreaterThan(100_000);
  await lab.ssh("mkdir /var/lib/proof && rmdir /var/lib/proof");
  documented.note("makes files without an end", "disk: an inode for each 16 KiB", "no space left", "its inodes");
  await login("rm -r /many");
});

labTest("it grows while the container runs, and it sees that at once", async (lab) => {
  const before = await pid(lab);
  await up({ disk: "512MiB" });
  expect((await size()).trim()).toMatch(/^512 +32768$/);
  expect(await pid(lab)).toBe(before);
  await life.stack.converged();
});

labTest("programs, owners, links and file capabilities are on it as anywhere", async () => {
  // cap_dac_read_search, as setcap would write it: another user reads with it what only root may.
  const capability = `pack("VVVVV", 0x02000001, 4, 0, 0, 0)`;
  const script = `
    set -e; rm -rf /opt/t; mkdir -p /opt/t/old; cd /opt/t
    cp /bin/su su; chmod 4755 su; cp /bin/cat cat; chown 1000:1000 cat; ln cat hard; ln -s cat soft; mkfifo pipe; mv old new
    perl -e 'my ($f, $n, $c) = ("cat", "security.capability", ${capability}); syscall(188, $f, $n, $c, 20, 0) == 0 or die $!'
    setpriv --reuid 65534 --regid 65534 --clear-groups ./hard /etc/shadow | grep -c ^root:
    stat -c '%a %u %h %F' su cat pipe new; mv /etc/debian_version /etc/renamed; mv /etc/renamed /etc/debian_version
    rm -rf /usr/share/zoneinfo/Etc; mkdir -p /usr/share/zoneinfo/Etc; ls -A /usr/share/zoneinfo/Etc`;
  expect(await login(script)).toBe(
    "1\n4755 0 1 regular file\n755 1000 2 regular file\n644 0 1 fifo\n755 0 2 directory",
  );
});

labTest("what the host cannot keep is refused, with the figures", async (lab) => {
  await life.stack.configure(life.config({ web: { ...life.web, disk: "100GiB" } }));
  const { ok, output } = await life.stack.up();
  expect(ok).toBe(false);
  expect(output).toMatch(/the host cannot keep a disk of 100GiB for web: 1\d\.\d GiB can be promised/);
  expect((await lab.ssh(`stat -c %s ${LAYERS}/disk.img`)).stdout).toBe(String(512 * 1024 ** 2));
});

labTest("nothing was denied for it: to the container, the mounter, or those of the host who mount it", async (lab) => {
  const own = (await ownDenials(lab)).filter((line) => !denied.includes(line));
  const host = (await denials(lab)).filter((line) => /:(mount|fsadm|udev|setfiles)_t:|svirt_lxc_disk_t/.test(line));
  expect([...own, ...host]).toEqual([]);
});

labTest("destroy leaves no device, mount, unit or file", async (lab) => {
  const { ok, output } = await life.stack.destroy();
  expect(ok ? "" : output).toBe("");
  expect(await left(lab)).toBe(before);
});

test("what was found is what is documented", () => documented.expect());
