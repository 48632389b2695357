import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runtime } from "@pulumi/pulumi";
import { stub } from "../../../provider/engine/stub.ts";

// As Pulumi puts it into state (dynamic/index.js).
const provider = stub("LxcDomain");
const { text } = await runtime.serializeFunction(() => provider);
const checkout = fileURLToPath(new URL("../../../", import.meta.url)).replace(/\/$/, "");

test("state holds a few lines: the six calls, and the token", () => {
  for (const call of ["check", "diff", "create", "update", "read", "delete"])
    expect(text).toMatch(new RegExp(`\\b${call}: __f`));
  expect(text).toContain('token: "LxcDomain"');
  expect(text.length).toBeLessThan(6_000);
});

test("state holds no absolute path", () => {
  expect(text).not.toContain(checkout);
  expect(text).not.toMatch(/["'`](\/|file:|[A-Z]:\\)\w/);
});

test("state holds no code of ours but the stub, and none of a library", () => {
  expect(text).not.toMatch(/zod|execa|fast-xml|pulumi|node_modules|virsh|plan|schema/i);
  expect(text.match(/require\(/g)).toBeNull();
  expect(text.match(/import\(/g)).toHaveLength(1);
});

test("what is captured are strings and the stub's own functions", () => {
  const captured = [...text.matchAll(/with\(\{ (.*) \}\)/g)].flatMap((m) => m[1]!.split(", "));
  const rest = captured.filter((c) => !/^(this|arguments): undefined$|^\w+: (__\w+|"[\w-]*")$/.test(c));
  expect(rest).toEqual([]);
});

// The provider's process runs in the program's folder.
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "state.cjs"), text);
const other = join(folder, "project");
mkdirSync(join(other, "node_modules"), { recursive: true });
symlinkSync(checkout, join(other, "node_modules", "svirt-lxc"));

test.each([
  ["this repository", checkout],
  ["someone else's project", other],
])("in %s it comes to life, and runs today's code", (_, cwd) => {
  const call = `require(${JSON.stringify(join(folder, "state.cjs"))}).handler().check({}, { name: "../x" }).then((r) => console.log(JSON.stringify(r)))`;
  const { failures } = JSON.parse(execFileSync(process.execPath, ["-e", call], { cwd, encoding: "utf8" }));
  expect(failures).toContainEqual({ property: "name", reason: expect.stringContaining("DNS label") });
});
