import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { controlPath, sshCommand } from "../../../provider/host/ssh.ts";

// How a host is reached, by the real ssh's own reading of its configuration (ssh -G): no connection is made.
const folder = mkdtempSync("/tmp/svirt-lxc-ssh-");
const before = { ...process.env };
beforeEach(() => {
  process.env.XDG_RUNTIME_DIR = folder;
});
afterEach(() => {
  for (const key of ["XDG_RUNTIME_DIR", "TMPDIR", "PATH"] as const) {
    if (before[key] === undefined) delete process.env[key];
    else process.env[key] = before[key];
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const configured = (text: string): string => {
  const file = join(folder, `config${files++}`);
  writeFileSync(file, text);
  return file;
};
const optionOf = (argv: string[], key: string) =>
  argv.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
const socketOf = async (destination: string, config: string) =>
  optionOf(await sshCommand({ destination, config }), "ControlPath")!;

const bastions = configured(`
Host alpha
  HostName 192.0.2.1
  ProxyJump one
Host beta
  HostName 192.0.2.1
  ProxyJump two
Host gamma
  HostName 192.0.2.1
  ProxyCommand nc -X 5 one %h %p
Host delta
  HostName 192.0.2.1
`);

test("hosts of one address that are reached in other ways share no connection, and a host always has its own", async () => {
  const names = ["alpha", "beta", "gamma", "delta"];
  const sockets = await Promise.all(names.map((name) => socketOf(name, bastions)));
  expect(new Set(sockets).size).toBe(names.length);
  expect(await Promise.all(names.map((name) => socketOf(name, bastions)))).toEqual(sockets);
});

test("a host whose configuration has changed meanwhile is another one", async () => {
  const [one, two] = ["one", "two"].map((jump) => `Host alpha\n  ProxyJump ${jump}\n`);
  expect(await socketOf("alpha", configured(one!))).not.toBe(await socketOf("alpha", configured(two!)));
});

const theirs = [
  "RemoteCommand tmux new",
  "RequestTTY force",
  "LocalForward 8080 localhost:80",
  "RemoteForward 9090 localhost:90",
  "DynamicForward 1080",
  "ExitOnForwardFailure yes",
  "PermitLocalCommand yes",
  "LocalCommand echo hello",
  "ForwardAgent yes",
  "ForwardX11 yes",
  "Tunnel yes",
  "SessionType none",
  "StdinNull yes",
  "ForkAfterAuthentication yes",
  "LogLevel DEBUG3",
];

test("nothing that a user has configured for their own logins reaches our commands", async () => {
  const config = configured(`Host alpha\n${theirs.map((line) => `  ${line}\n`).join("")}`);
  const argv = await sshCommand({ destination: "alpha", config });
  const at = argv.indexOf("--");
  const { stdout } = await execa(argv[0]!, [...argv.slice(1, at), "-G", ...argv.slice(at)]);
  const settings = stdout.split("\n");
  const quiet = [
    "requesttty false",
    "permitlocalcommand no",
    "exitonforwardfailure no",
    "forwardagent no",
    "forwardx11 no",
    "tunnel false",
    "sessiontype default",
    "stdinnull no",
    "forkafterauthentication no",
    "loglevel ERROR",
    "batchmode yes",
    "clearallforwardings yes",
  ];
  for (const line of quiet) expect(settings).toContain(line);
  expect(settings.filter((line) => /tmux|^(local|remote|dynamic)forward /.test(line))).toEqual([]);
});

test("an ssh that does not know the newest keywords is spared them", async () => {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "ssh"), '#!/bin/sh\ncase $* in *SessionType*) exit 255;; esac\necho "hostname old"\n');
  chmodSync(join(bin, "ssh"), 0o755);
  process.env.PATH = [bin, before.PATH].join(delimiter);
  const argv = await sshCommand({ destination: "old" });
  expect(argv.join(" ")).not.toMatch(/SessionType|StdinNull|ForkAfter/);
  expect(optionOf(argv, "RemoteCommand")).toBe("none");
});

test("a new login shares nothing", async () => {
  expect(optionOf(await sshCommand({ destination: "alpha", config: bastions, isSeparate: true }), "ControlPath")).toBe(
    "none",
  );
});

const ours = `svirt-lxc-${userInfo().uid}`;
const long = `/tmp/${"t".repeat(75)}`;
const closed = join(folder, "closed");
mkdirSync(join(closed, ours), { recursive: true });
chmodSync(join(closed, ours), 0o777);
const places: [name: string, runtime: string | undefined, tmpdir: string | undefined, place: string][] = [
  ["the runtime folder", folder, undefined, folder],
  ["a relative one counts for none", "run", folder, folder],
  ["none", undefined, folder, folder],
  ["one that is too long", long, folder, folder],
  ["both too long", long, long, "/tmp"],
  ["one that is not there", join(folder, "gone"), folder, folder],
  ["one in which others could put a socket", closed, folder, folder],
  ["one that is a file", "/dev/null", folder, folder],
];

test.each(places)("where sockets are: %s", (_, runtime, tmp, place) => {
  for (const [key, value] of Object.entries({ XDG_RUNTIME_DIR: runtime, TMPDIR: tmp })) {
    if (value === undefined) delete process.env[key];
    else process.env[key] = value;
  }
  const path = controlPath(["alpha"])!;
  expect(path).toMatch(new RegExp(`^${place}/${ours}/[0-9a-f]{16}$`));
  expect(Buffer.byteLength(path) + 17).toBeLessThan(104);
});

test("where there is no place for a socket, each operation logs in by itself", async () => {
  // Not even /tmp: whoever took the name there first.
  process.env.XDG_RUNTIME_DIR = process.env.TMPDIR = closed;
  const inTmp = `/tmp/${ours}`;
  const was = existsSync(inTmp) ? lstatSync(inTmp).mode : undefined;
  mkdirSync(inTmp, { recursive: true });
  chmodSync(inTmp, 0o777);
  expect(controlPath(["alpha"])).toBeUndefined();
  expect(optionOf(await sshCommand({ destination: "alpha" }), "ControlPath")).toBe("none");
  if (was === undefined) rmdirSync(inTmp);
  else chmodSync(inTmp, was & 0o777);
});
