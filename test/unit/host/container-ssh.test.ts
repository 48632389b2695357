import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ContainerLogin, loginScript, rootScript } from "../../../provider/host/container-ssh.ts";

// The scripts are run by a real sh; what plays ssh shows what it was given, and what OpenSSH itself makes of it.
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
mkdirSync(join(folder, "bin"));
writeFileSync(
  join(folder, "bin/ssh"),
  `#!/bin/sh
printf '%s\\n' "$@" >"${folder}/arguments"
for last; do :; done
for word; do case $word in UserKnownHostsFile=*) file=\${word#*=}; cat "$file" >"${folder}/known"; printf %s "$file" >"${folder}/file";; esac; done
/usr/bin/ssh -G "$@" >"${folder}/resolved" || exit 99
HOST=remote sh -c "$last"
`,
);
chmodSync(join(folder, "bin/ssh"), 0o755);
afterAll(() => rmSync(folder, { recursive: true }));

const path = `${join(folder, "bin")}:${process.env.PATH}`;
function run(script: string, input = "", command = "true"): { stdout: string; status: number | null } {
  const { stdout, status } = spawnSync("sh", ["-c", script, "sh", command], {
    input,
    encoding: "utf8",
    env: { PATH: path },
  });
  return { stdout, status };
}
const seen = (file: string) => spawnSync("cat", [join(folder, file)], { encoding: "utf8" }).stdout;
const setting = (key: string) => new RegExp(`^${key} (.*)$`, "m").exec(seen("resolved"))?.[1];

const login: ContainerLogin = {
  name: "web",
  address: "10.213.0.2",
  hostKey: "ssh-ed25519 AAAAweb",
  connection: { ssh: "root@alpha", sshConfig: "my lab/50%" },
  identities: ["keys/it's me"],
};
const script = (change: Partial<ContainerLogin> = {}) =>
  loginScript({ ...login, ...change }, ["-o", "BatchMode=yes"], ["-o", "RequestTTY=no"]);

const commands: [name: string, command: string, printed: string][] = [
  ["a word", "echo one", "one\n"],
  ["quotes, and what a shell would replace", `echo "it's" '$HOST' "$HOST" \\\\ %h`, "it's $HOST remote \\ %h\n"],
  ["lines", "echo one\n\necho two\n", "one\ntwo\n"],
  ["standard input", "cat", "s3cret"],
];
test.each(commands)("a command of %s arrives as it is", (_, command, printed) => {
  expect(run(script(), "s3cret", command)).toEqual({ stdout: printed, status: 0 });
});

test("a command that fails ends its script, and its code is the script's", () => {
  expect(run(script(), "", "echo one\n(exit 7)\necho two")).toEqual({ stdout: "one\n", status: 7 });
});

test("only the host key that was made for it is accepted, and no file of it stays", () => {
  run(script());
  expect(seen("known")).toBe("web ssh-ed25519 AAAAweb\n");
  expect(setting("stricthostkeychecking")).toMatch(/^(true|yes)$/);
  expect(setting("hostkeyalias")).toBe("web");
  expect(setting("globalknownhostsfile")).toBe("/dev/null");
  expect(seen("file")).toMatch(/^\/tmp\/\S+$/);
  expect(existsSync(seen("file"))).toBe(false);
});

test("it goes through the host, and logs in as root with the keys that were named", () => {
  run(script());
  expect(setting("user")).toBe("root");
  expect(setting("hostname")).toBe("10.213.0.2");
  expect(setting("identityfile")?.replaceAll("%%", "%")).toBe("keys/it's me");
  expect(setting("proxycommand")).toMatch(/^ssh -F 'my lab\/50%%' -o RequestTTY=no -- root@alpha 'bash -c /);
});

test("of this machine, it takes no detour", () => {
  run(script({ connection: {} }));
  expect(setting("proxycommand")).toBeUndefined();
});

describe("a script that root runs", () => {
  const text = `echo "it's $HOST"`;
  test("on a host", () => {
    expect(run(rootScript({ ssh: "alpha", sshConfig: "/dev/null" }, text, ["-o", "BatchMode=yes"]))).toEqual({
      stdout: "it's remote\n",
      status: 0,
    });
    expect(seen("arguments").split("\n").slice(0, 4)).toEqual(["-F", "/dev/null", "-o", "BatchMode=yes"]);
  });
  test("on a host whose login shell is csh or fish: one line, with no quote in quotes", () => {
    expect(run(rootScript({ ssh: "alpha" }, "echo one\necho 'two'", []))).toEqual({ stdout: "one\ntwo\n", status: 0 });
    expect(seen("arguments")).toMatch(/\n--\nalpha\nsh -c '[^'\\!\n]*'\n$/);
  });
  test("on this machine", () => {
    expect(run(rootScript({}, text, []))).toEqual({ stdout: "it's \n", status: 0 });
  });
  test("by who may sudo", () => {
    writeFileSync(join(folder, "bin/id"), "#!/bin/sh\necho 1000\n", { mode: 0o755 });
    writeFileSync(join(folder, "bin/sudo"), '#!/bin/sh\nshift; HOST=root exec "$@"\n', { mode: 0o755 });
    expect(run(rootScript({}, text, [])).stdout).toBe("it's root\n");
  });
});
