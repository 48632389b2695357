import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needsReboot, upgradeScript } from "../../../provider/tools/upgrade.ts";

// The very script, on a host elsewhere; its tools write down how they were called.
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  for (const part of ["etc", "run", "boot", "usr", "bin", "calls"])
    rmSync(join(folder, part), { recursive: true, force: true });
  for (const name of ["apt-get", "dpkg", "dnf"]) tool(name, "");
  file("bin/uname", "#!/bin/sh\necho 6.12.9-amd64\n");
  file("etc/machine-id", "0123\n");
  release("debian");
});

function file(path: string, text = ""): void {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text, { mode: 0o755 });
}
const tool = (name: string, line: string) =>
  file(`bin/${name}`, `#!/bin/sh\necho "${name} $*" >>${folder}/calls\necho "${name} says"\n${line}\n`);
const release = (id: string) => file("etc/os-release", `ID=${id}\nPRETTY_NAME="The ${id}"\n`);
const calls = () =>
  spawnSync("cat", [join(folder, "calls")], { encoding: "utf8" })
    .stdout.split("\n")
    .filter(Boolean);

function run(machine = "0123") {
  const script = upgradeScript(machine)
    .replaceAll(/(?<=[ "[])\/(?=(etc|run|boot|usr)\/)/g, `${folder}/`)
    .replaceAll("#/boot", `#${folder}/boot`);
  const { stdout, stderr, status } = spawnSync("sh", ["-c", script], {
    encoding: "utf8",
    env: { PATH: `${join(folder, "bin")}:${process.env.PATH}` },
  });
  return { stdout, stderr, status };
}

test("Debian: an upgrade that broke off is completed, the lock is waited for, new kernels come along", () => {
  expect(run()).toMatchObject({ stdout: "needs-reboot=false\n", status: 0 });
  expect(calls()).toEqual([
    "dpkg --configure -a",
    expect.stringMatching(/^apt-get -y -oDPkg::Lock::Timeout=\d+ .*--force-confold update$/),
    expect.stringMatching(/^apt-get -y -oDPkg::Lock::Timeout=\d+ .*--force-confold --with-new-pkgs upgrade$/),
  ]);
});

test("Fedora", () => {
  release("fedora");
  expect(run()).toMatchObject({ stdout: "needs-reboot=false\n", status: 0 });
  expect(calls()).toEqual(["dnf -y upgrade --refresh", "dnf -q needs-restarting -r"]);
});

test("what the packages say is told as it is, beside the answer", () => {
  expect(run().stderr).toContain("apt-get says\n");
});

const reboots: [name: string, there: () => void, needed: boolean][] = [
  ["Debian, nothing new", () => {}, false],
  ["Debian says so", () => file("run/reboot-required"), true],
  [
    "Debian, the running kernel is the newest",
    () => ["6.12.9-amd64", "6.12.8-amd64", "6.1.0-9-amd64"].map((v) => file(`boot/vmlinuz-${v}`)),
    false,
  ],
  ["Debian, a newer kernel", () => ["6.12.9-amd64", "6.12.10-amd64"].map((v) => file(`boot/vmlinuz-${v}`)), true],
  ["Debian, a newer kernel is running than is installed", () => file("boot/vmlinuz-6.12.8-amd64"), false],
  ["Fedora says so", () => fedora(1), true],
  ["Fedora says no", () => fedora(0), false],
  [
    "Fedora cannot say, and has a newer kernel",
    () => [fedora(2), file("usr/lib/modules/6.13.1-200.fc43.x86_64/vmlinuz")],
    true,
  ],
  [
    "Fedora cannot say, and has none but an older rescue image",
    () => [fedora(2), file("boot/vmlinuz-0-rescue-99")],
    false,
  ],
];
function fedora(code: number): void {
  release("fedora");
  tool("dnf", `[ "$2" != needs-restarting ] || exit ${code}`);
}
test.each(reboots)("a reboot: %s", (_, there, needed) => {
  there();
  const { stdout, status } = run();
  expect({ status, needed: needsReboot(stdout) }).toEqual({ status: 0, needed });
});

const failures: [name: string, there: () => void, said: RegExp][] = [
  ["another distribution", () => release("arch"), /no upgrade is known for The arch: only of debian and fedora/],
  ["an upgrade that fails", () => tool("apt-get", "echo 'E: no route' >&2; exit 100"), /E: no route/],
];
test.each(failures)("%s fails, and answers nothing", (_, there, said) => {
  there();
  const { stdout, stderr, status } = run();
  expect(stdout).toBe("");
  expect(stderr).toMatch(said);
  expect(status).not.toBe(0);
});

test("another machine than the one that is known is left alone", () => {
  const { stderr, status } = run("4567");
  expect(status).toBe(1);
  expect(stderr).toMatch(/another machine.*4567/);
  expect(calls()).toEqual([]);
});
