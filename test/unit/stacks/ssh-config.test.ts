import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  openSshConfig,
  type Reachable,
  SSH_CONFIG,
  sshCommand,
  sshConfig,
  writeSshConfig,
} from "../../../stacks/ssh-config.ts";

const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
afterAll(() => rmSync(folder, { recursive: true }));

const web: Reachable = {
  name: "web",
  connection: { ssh: "lab", sshConfig: ".lab/ssh_config" },
  address: "10.213.0.2",
  hostKey: "ssh-ed25519 AAAAweb",
  identities: [],
};
const db: Reachable = { ...web, name: "db", connection: {}, address: "10.213.0.3", hostKey: "ssh-ed25519 AAAAdb" };

test("a container behind a host", async () => {
  expect((await sshConfig("lab", web, "/project")).split("\n")).toEqual([
    "Host web web.lab",
    "  HostName 10.213.0.2",
    "  User root",
    expect.stringMatching(/^ {2}ProxyCommand ssh -F \/project\/.lab\/ssh_config -o BatchMode=yes .* -- lab 'bash -c /),
    "  HostKeyAlias web.lab",
    '  UserKnownHostsFile "/project/.svirt/lab/web.known_hosts"',
    "  StrictHostKeyChecking yes",
    "",
  ]);
});

test("a container on this machine is reached without a detour", async () => {
  expect(await sshConfig("lab", db, "/project")).toContain("  ProxyCommand none\n");
});

async function write(stack: string, containers: Reachable[], base: string): Promise<void> {
  openSshConfig(
    stack,
    containers.map(({ name }) => name),
    base,
  );
  for (const container of containers) await writeSshConfig(stack, container, base);
}

/** What OpenSSH makes of it. */
function options(base: string, destination: string): Map<string, string> {
  const text = execFileSync("ssh", ["-T", "-F", join(base, SSH_CONFIG), "-G", destination], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  return new Map(
    text
      .split("\n")
      .map((line) => /^(\S+) (.*)$/.exec(line)?.slice(1) as [string, string])
      .filter(Boolean),
  );
}

const projects = ["project", "my project", "it's", "50%"];
describe.each(projects)("in a project's folder named %s", (name) => {
  const base = join(folder, name);
  mkdirSync(base);

  test("OpenSSH reads what was meant", async () => {
    const identity = join(base, "id");
    await write("lab", [{ ...web, identities: [identity] }, db], base);
    const read = options(base, "web");
    expect(read.get("hostname")).toBe("10.213.0.2");
    expect(read.get("user")).toBe("root");
    expect(read.get("hostkeyalias")).toBe("web.lab");
    expect(read.get("stricthostkeychecking")).toMatch(/^(true|yes)$/);
    expect(read.get("identityfile")?.replaceAll("%%", "%")).toBe(identity);
    expect(read.get("userknownhostsfile")?.replaceAll("%%", "%")).toBe(join(base, ".svirt/lab/web.known_hosts"));
    expect(options(base, "db").get("hostname")).toBe("10.213.0.3");
    expect(options(base, "db").has("proxycommand")).toBe(false);
    expect(readFileSync(join(base, ".svirt/lab/db.known_hosts"), "utf8")).toBe("db.lab ssh-ed25519 AAAAdb\n");
  });

  // ssh replaces %h and %p, and has a shell run the rest.
  test("the shell of ProxyCommand reads what was meant", async () => {
    await write("lab", [web], base);
    const command = options(base, "web").get("proxycommand")!;
    expect(command.replaceAll("%%", "").match(/%./g)).toEqual(["%h", "%p"]);
    const words = execFileSync("sh", ["-c", command.replaceAll("%%", "%").replace(/^ssh/, "printf '%s\\n'")], {
      encoding: "utf8",
    });
    const [config, ...rest] = words
      .trim()
      .split("\n")
      .filter((word) => !/^-[Fo]$/.test(word));
    expect(config).toBe(join(base, ".lab/ssh_config"));
    expect(rest.slice(-3, -1)).toEqual(["--", "lab"]);
    expect(rest.slice(0, -3)).toEqual(expect.arrayContaining(["RemoteCommand=none", "RequestTTY=no"]));
    // The host's shell unquotes once more.
    const remote = execFileSync("sh", ["-c", rest.at(-1)!.replace(/^bash/, "printf '%s\\n'")], { encoding: "utf8" });
    expect(remote.trim().split("\n")).toEqual(["-c", expect.stringContaining("exec 3<>/dev/tcp/%h/%p 4<&0 && {")]);
  });
});

test.each(["root@alpha.example", "ssh://root@alpha:2222", "[fe80::1%eth0]"])(
  "the host %s stays one word",
  async (ssh) => {
    const base = join(folder, "destinations");
    mkdirSync(base, { recursive: true });
    await write("lab", [{ ...web, connection: { ssh } }], base);
    const command = options(base, "web").get("proxycommand")!;
    expect(command.replaceAll("%%", "").match(/%./g)).toEqual(["%h", "%p"]);
    const words = execFileSync("sh", ["-c", command.replaceAll("%%", "%").replace(/^ssh/, "printf '%s\\n'")], {
      encoding: "utf8",
    });
    expect(words.trim().split("\n").slice(-3, -1)).toEqual(["--", ssh]);
  },
);

test("two stacks in one checkout: each is found, and of two of one name the last one written", async () => {
  const base = join(folder, "stacks");
  mkdirSync(base);
  await write("dev", [{ ...web, address: "10.1.0.1" }], base);
  await write("prod", [{ ...web, connection: {}, address: "10.2.0.1" }], base);
  expect(options(base, "web").get("hostname")).toBe("10.2.0.1");
  // Nothing of the other one's.
  expect(options(base, "web").has("proxycommand")).toBe(false);
  expect(options(base, "web.dev").get("hostname")).toBe("10.1.0.1");
  expect(options(base, "web.dev").get("hostkeyalias")).toBe("web.dev");
  expect(sshCommand("dev", "web")).toBe("ssh -F .svirt/ssh_config web.dev");
  await write("dev", [{ ...web, address: "10.1.0.9" }], base);
  expect(options(base, "web").get("hostname")).toBe("10.1.0.9");
});

test("one that is not known yet stays as it was, one that is no longer declared goes", async () => {
  const base = join(folder, "partial");
  mkdirSync(base);
  await write("lab", [web, db], base);
  openSshConfig("lab", ["web", "cache"], base);
  expect(options(base, "web").get("hostname")).toBe("10.213.0.2");
  expect(readdirSync(join(base, ".svirt/lab"))).toEqual(["web.conf", "web.known_hosts"]);
});

test("the relay connects both ways, and ends when either side does", async () => {
  const base = join(folder, "relay");
  mkdirSync(base);
  await write("lab", [{ ...web, connection: { ssh: "lab" } }], base);
  const server = createServer((socket) => {
    socket.once("data", (data) => (data.toString() === "bye" ? socket.end("gone") : socket.write(`you said ${data}`)));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  // What ssh runs on the host, run here: the last word of the command.
  const command = options(base, "web").get("proxycommand")!;
  const relay = execFileSync("sh", ["-c", command.replaceAll("%%", "%").replace(/^ssh/, "printf '%s\\n'")], {
    encoding: "utf8",
  })
    .trim()
    .split("\n")
    .at(-1)!
    .replace("%h", "127.0.0.1")
    .replace("%p", String(port));
  const talk = async (text: string, close: boolean) => {
    const child = spawn("sh", ["-c", relay], { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.write(text);
    let heard = "";
    for await (const chunk of child.stdout) {
      heard += chunk;
      if (close) child.stdin.end();
    }
    return heard;
  };
  expect(await talk("hello", true)).toBe("you said hello"); // we go
  expect(await talk("bye", false)).toBe("gone"); // it goes
  const connections = () => new Promise<number>((count) => server.getConnections((_, n) => count(n)));
  while ((await connections()) > 0) await new Promise((soon) => setImmediate(soon));
  server.close();
});
