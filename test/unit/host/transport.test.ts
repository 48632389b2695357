import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runScript } from "../../../provider/host/transport.ts";
import { waitFor } from "../../support/batch.ts";

// This machine is a host like any other; over ssh the argv is longer, and the rest the same.
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
afterAll(() => rmSync(folder, { recursive: true }));

const run = async (script: string, more: { upload?: string; timeout?: number } = {}) => {
  const progress: string[] = [];
  const result = await runScript({}, script, { timeout: 20, ...more, onProgress: (line) => progress.push(line) });
  return { exit: result.exit, stdout: result.stdout.toString(), stderr: result.stderr, progress };
};

test("what a script prints, its exit code, and its progress apart from its errors", async () => {
  const script = "echo out; echo err >&2; printf '\\036one\\n' >&2; echo more >&2; printf '\\036two\\n' >&2; exit 3";
  expect(await run(script)).toEqual({ exit: 3, stdout: "out\n", stderr: "err\nmore\n", progress: ["one", "two"] });
});

test("a workstation without ssh is told so", async () => {
  const path = process.env.PATH;
  process.env.PATH = folder;
  try {
    await expect(runScript({ ssh: "alpha" }, "true", { timeout: 20, onProgress: () => {} })).rejects.toMatchObject({
      problem: { what: "there is no ssh on the PATH" },
    });
  } finally {
    process.env.PATH = path;
  }
});

test("progress is told when it is made", async () => {
  const heard = join(folder, "heard");
  const onProgress = () => writeFileSync(heard, "");
  const { exit } = await runScript({}, `printf '\\036now\\n' >&2; ${waitFor(heard)}`, { timeout: 10, onProgress });
  expect(exit).toBe(0);
});

test("progress in other alphabets, in pieces", async () => {
  const pieces = [..."\x1eKäse 名前\n"]
    .flatMap((c) => [...Buffer.from(c)])
    .map((b) => `\\${b.toString(8).padStart(3, "0")}`);
  const script = pieces.map((p) => `printf '${p}' >&2; sleep 0.02`).join("; ");
  expect((await run(script)).progress).toEqual(["Käse 名前"]);
});

test("a script of any length and of any characters", async () => {
  const text = "it is 名前 $(x) `y` \\ % ".repeat(20_000);
  expect((await run(`printf %s '${text}' | wc -c`)).stdout.trim()).toBe(String(Buffer.byteLength(text)));
});

test("the script is in nobody's arguments", async () => {
  const { stdout } = await run(
    "secret=s3cret; for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; done 2>/dev/null; echo end",
  );
  expect(stdout).toMatch(/end\n$/);
  expect(stdout).not.toContain("s3cret");
});

test("an upload follows the script to the byte", async () => {
  const upload = join(folder, "upload");
  writeFileSync(upload, "\n\0'first\nlast");
  expect(await run("cat", { upload })).toMatchObject({ exit: 0, stdout: "\n\0'first\nlast" });
});

test("without an upload there is nothing to read", async () => {
  expect(await run("cat")).toMatchObject({ exit: 0, stdout: "" });
});

test("a script that does not read its upload is not kept waiting", async () => {
  const upload = join(folder, "unread");
  writeFileSync(upload, Buffer.alloc(2_000_000));
  expect(await run("echo done", { upload })).toMatchObject({ exit: 0, stdout: "done\n" });
});

test("an upload that cannot be read is named, and nothing runs", async () => {
  const ran = join(folder, "ran");
  const missing = join(folder, "missing");
  await expect(run(`: >'${ran}'`, { upload: missing })).rejects.toThrow(`cannot read ${missing}`);
  expect(existsSync(ran)).toBe(false);
});

test("nothing of the caller's environment reaches a script", async () => {
  const theirs = {
    TAR_OPTIONS: "--exclude=etc",
    POSIXLY_CORRECT: "1",
    LANG: "de_DE.UTF-8",
    HOME: "/home/me",
    IFS: "x",
  };
  const before = { ...process.env };
  Object.assign(process.env, theirs);
  const { stdout } = await run("env | sort");
  process.env = before;
  const names = stdout
    .trim()
    .split("\n")
    .map((line) => line.split("=")[0]);
  expect(names.filter((name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name!))).toEqual(["HOME", "LC_ALL", "PATH"]);
  expect(stdout).toContain("HOME=/root\n");
});

test("a script that takes too long is given up, and has no exit code", async () => {
  expect(await run("exec sleep 60", { timeout: 0.5 })).toMatchObject({ exit: undefined });
});

test("long errors keep their end", async () => {
  const { stderr } = await run("i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); done");
  expect(stderr.length).toBeLessThanOrEqual(16_384);
  expect(stderr).toMatch(/line 2999\n$/);
});
