import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configureMode } from "../../../provider/tools/enforce.ts";
import { parseSelinux, selinuxRead } from "../../../provider/tools/selinux.ts";
import { printed } from "../../support/recorded.ts";

// /etc/selinux/config is read and written by sh; here by the very commands, in another folder.
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
const bin = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
const file = join(folder, "config");
const restorecon = join(bin, "restorecon");
writeFileSync(restorecon, "#!/bin/sh\n");
chmodSync(restorecon, 0o755);
afterAll(() => [folder, bin].map((dir) => rmSync(dir, { recursive: true })));

const run = ([command, ...args]: string[]) =>
  execFileSync(
    command!,
    args.map((a) => a.replaceAll("/etc/selinux", folder)),
    { encoding: "utf8", env: { ...process.env, PATH: `${bin}:${process.env.PATH}` } },
  );
const configured = () => parseSelinux(new Map([["selinux", printed(run(selinuxRead.argv))]])).configured;

// As libselinux's selinux_getenforcemode() reads it: the first line counts that it can make sense of.
const texts: [name: string, text: string, mode: string][] = [
  ["enforcing", "SELINUX=enforcing\nSELINUXTYPE=default\n", "enforcing"],
  ["permissive", "# SELINUX=enforcing\nSELINUX=permissive\nSELINUXTYPE=default\n", "permissive"],
  ["two lines", "SELINUX=permissive\nSELINUX=enforcing\n", "permissive"],
  ["capitals", "SELINUX=Permissive # for now\n", "permissive"],
  ["no mode", "SELINUX=1\nSELINUX=disabled\n", "disabled"],
  ["only a comment", "#SELINUX=enforcing\n", "unset"],
  ["empty", "", "unset"],
];

test.each(texts)("%s: what the next boot does", (_, text, mode) => {
  writeFileSync(file, text);
  expect(configured()).toBe(mode);
});

test.each(texts)("%s: is made enforcing, other lines stay, and again changes nothing", (_, text) => {
  writeFileSync(file, text);
  run(configureMode("enforcing").argv);
  const once = readFileSync(file, "utf8");
  expect(configured()).toBe("enforcing");
  const others = (t: string) => t.split("\n").filter((l) => l && !l.startsWith("SELINUX="));
  expect(others(once)).toEqual(others(text));
  run(configureMode("enforcing").argv);
  expect(readFileSync(file, "utf8")).toBe(once);
  expect(readdirSync(folder)).toEqual(["config"]);
  expect(statSync(file).mode & 0o777).toBe(0o644);
});

test("one that cannot be written as a whole is left as it was", () => {
  writeFileSync(file, "SELINUX=permissive\n");
  writeFileSync(restorecon, "#!/bin/sh\nexit 1\n");
  expect(() => run(configureMode("enforcing").argv)).toThrow();
  expect(readFileSync(file, "utf8")).toBe("SELINUX=permissive\n");
});
