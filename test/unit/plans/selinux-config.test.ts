import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { selinuxEnforcing } from "../../../provider/resources/selinux-enforcing.ts";
import { enforcingInputs } from "../../support/inputs.ts";

// /etc/selinux/config is read and written by sh; here by the very commands, on another file.
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
const file = join(folder, "config");
afterAll(() => rmSync(folder, { recursive: true }));

const run = ([command, ...args]: string[]) =>
  execFileSync(
    command!,
    args.map((a) => a.replaceAll("/etc/selinux/config", file)),
    { encoding: "utf8" },
  ).trim();
const configured = () => run(selinuxEnforcing.reads("*").find((r) => r.key === "selinux-configured")!.argv);
const configure = () =>
  run(selinuxEnforcing.plan({ runtime: "enforcing", configured: "permissive" }, enforcingInputs)[0]!.argv);

// As libselinux's selinux_getenforcemode() reads it: the first line counts.
const texts: [name: string, text: string, mode: string][] = [
  ["enforcing", "SELINUX=enforcing\nSELINUXTYPE=default\n", "enforcing"],
  ["permissive", "# SELINUX=enforcing\nSELINUX=permissive\nSELINUXTYPE=default\n", "permissive"],
  ["two lines", "SELINUX=permissive\nSELINUX=enforcing\n", "permissive"],
  ["only a comment", "#SELINUX=enforcing\n", ""],
  ["empty", "", ""],
];

test.each(texts)("%s: what the next boot does", (_, text, mode) => {
  writeFileSync(file, text);
  expect(configured()).toBe(mode);
});

test.each(texts)("%s: is made enforcing, other lines stay, and again changes nothing", (_, text) => {
  writeFileSync(file, text);
  configure();
  const once = readFileSync(file, "utf8");
  expect(configured()).toBe("enforcing");
  const others = (t: string) => t.split("\n").filter((l) => l && !l.startsWith("SELINUX="));
  expect(others(once)).toEqual(others(text));
  configure();
  expect(readFileSync(file, "utf8")).toBe(once);
});
