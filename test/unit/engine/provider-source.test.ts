import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { providerSource } from "../../../provider/engine/provider-source.ts";

const text = providerSource("LxcDomain");
const checkout = fileURLToPath(new URL("../../../", import.meta.url)).replace(/\/$/, "");

test("state holds a line, with the token", () => {
  expect(text).toContain('["LxcDomain"]');
  expect(text.length).toBeLessThan(200);
});

test("state holds no absolute path", () => {
  expect(text).not.toContain(checkout);
  expect(text).not.toMatch(/["'`](\/|file:|[A-Z]:\\)\w/);
});

test("state holds no code of ours but the stub, and none of a library", () => {
  expect(text).not.toMatch(/zod|execa|fast-xml|pulumi|node_modules|virsh|plan|schema/i);
  expect(text.match(/require\(/gi)).toHaveLength(1);
  expect(text.match(/import\(/g)).toBeNull();
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
