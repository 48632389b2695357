import { createHash } from "node:crypto";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import type { Stack } from "../support/stack.ts";

/** Settings in a container's root, each of which is kept converged. Each test begins where the one before ended. */

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHuEtjR ada";
const SECRET = "correct horse's staple";
const ROOT = "/var/lib/svirt-lxc/roots/web/guest/root";

const web = {
  timezone: "Europe/Berlin",
  locale: "C.UTF-8",
  mask: ["cron.service"],
  users: { ada: { groups: ["adm"], authorizedKeys: [KEY] } },
  files: {
    "/etc/motd": { content: "Welcome\n" },
    "/home/ada/token": { contentSecret: "token", mode: "0400", owner: "ada", group: "ada" },
  },
};

let site: Site;
let host: Host;
let stack: Stack;

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  stack = await site.stack("settings", site.config({ web }));
  await stack.secret("svirt-lxc:token", SECRET);
});

afterAll(() => site.end());

const inRoot = (command: string) => host.sh(`cd ${ROOT} && ${command}`);
/** A file with its mode and owner, as the container sees them. */
const file = async (path: string) =>
  inRoot(`stat -c %a:%u:%g ${path} | awk -F: '{ print $1, $2 % 65536, $3 % 65536 }'; cat ${path}`);

test("up writes them all, and a second one nothing", async () => {
  await stack.configure(site.config({ web }));
  const run = await stack.up();
  expect(run.ok ? "" : run.output).toBe("");
  expect(await inRoot("readlink etc/localtime")).toBe("../usr/share/zoneinfo/Europe/Berlin");
  expect(await inRoot("cat etc/locale.conf")).toBe("LANG=C.UTF-8");
  expect(await inRoot("readlink etc/systemd/system/cron.service")).toBe("/dev/null");
  expect(await inRoot("grep ada etc/passwd; grep adm etc/group")).toMatch(
    /^ada:x:1000:1000::\/home\/ada:\/bin\/sh\nadm:x:\d+:ada$/,
  );
  expect(await file("home/ada/.ssh/authorized_keys")).toBe(`600 1000 1000\n${KEY}`);
  expect(await file("etc/motd")).toBe("644 0 0\nWelcome");
  expect(await file("home/ada/token")).toBe(`400 1000 1000\n${SECRET}`);
  await stack.converged();
  expect((await stack.up()).operations).toEqual({});
});

test("the secret content of a file is nowhere in state in clear, nor its digest", async () => {
  const state = await stack.pulumi("stack", "export");

  for (const text of ["correct horse", createHash("sha256").update(SECRET).digest("hex")])
    expect(state).not.toContain(text);
});

const drifts: [property: string, command: string][] = [
  ["timezone", "ln -sf /usr/share/zoneinfo/Etc/UTC etc/localtime"],
  ["locale", "echo LANG=C >etc/locale.conf"],
  ["mask", "rm etc/systemd/system/cron.service"],
  ["users", "sed -i /^ada/d etc/passwd"],
  ["files", "chmod 666 etc/motd"],
];
test("what was changed inside is named by a preview, and mended", async () => {
  for (const [, command] of drifts) await inRoot(command);
  const preview = await stack.preview("--refresh");
  expect(preview.operations["LxcRootfs web"]?.properties).toEqual(
    expect.arrayContaining(drifts.map(([property]) => property)),
  );
  const run = await stack.up();
  expect(run.ok ? "" : run.output).toBe("");
  expect(Object.keys(run.operations)).toEqual(["LxcRootfs web", "LxcDomain web"]);
  await stack.converged();
  expect(await file("etc/motd")).toBe("644 0 0\nWelcome");
});

test("what is taken off stays, but for a masked unit; nothing else is touched", async () => {
  await stack.configure(site.config({ web: {} }));
  const run = await stack.up();
  expect(run.ok ? "" : run.output).toBe("");
  expect(await inRoot("ls etc/systemd/system/cron.service 2>/dev/null || true")).toBe("");
  expect(await inRoot("grep -c ada etc/passwd; cat etc/motd; cat etc/locale.conf")).toBe("1\nWelcome\nLANG=C.UTF-8");
  await stack.converged();
});

test("a mistake is told in a preview, by its path", async () => {
  await stack.configure(site.config({ web: { files: { "etc/motd": { content: "" } } } }));
  const run = await stack.preview();
  expect(run.ok).toBe(false);
  expect(run.output).toContain("files.etc/motd");
  expect(run.output).toContain("must be an absolute path");
  expect(run.output).not.toMatch(/^ +at /m);
});

test("a time zone that the image does not have fails with what is missing", async () => {
  await stack.configure(site.config({ web: { timezone: "Mars/Olympus" } }));
  const run = await stack.up();
  expect(run.ok).toBe(false);
  expect(run.output).toContain("the root has no time zone Mars/Olympus");
  expect(run.output).toContain("tzdata");
});
