import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { act, look, run } from "../../support/batch.ts";

const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
const file = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));
/** The command of a process; "" if it ended. */
const commandOf = (pid: string) => {
  const cmdline = `/proc/${pid}/cmdline`;
  return existsSync(cmdline) ? readFileSync(cmdline, "utf8") : "";
};
const exits = (outcomes: { exit: number }[]) => outcomes.map((o) => o.exit);

test("steps run in order, and the host is looked at when they are done", async () => {
  const log = file("order");
  const { outcomes, observation, progress } = await run({
    reads: [look("log", `cat ${log}`)],
    steps: [act(`echo 1 >>${log}; echo one`), act(`echo 2 >>${log}; echo two >&2`)],
  });
  expect(outcomes).toEqual([
    { exit: 0, stdout: "one\n", stderr: "" },
    { exit: 0, stdout: "", stderr: "two\n" },
  ]);
  expect(observation.results.get("log")!.stdout).toBe("1\n2\n");
  expect(progress).toEqual([`runs echo 1 >>${log}; echo one`, `runs echo 2 >>${log}; echo two >&2`]);
});

test("progress says whose step it is, in a batch of several resources", async () => {
  const of = (resource: string, title: string) => act(":", { title, resource });
  const { progress } = await run({ reads: [], steps: [of("A it's", "1"), of("A it's", "2"), of("B", "3")] });
  expect(progress).toEqual(["A it's: 1", "A it's: 2", "B: 3"]);
});

const failing: [name: string, ok: number[] | undefined, exits: number[]][] = [
  ["a step that fails is the last one", undefined, [0, 3]],
  ["a code that counts as done lets the next one run", [0, 3], [0, 3, 0]],
  ["another code does not", [0, 4], [0, 3]],
];
test.each(failing)("%s, and the host is looked at", async (_, ok, expected) => {
  const { outcomes, observation } = await run({
    reads: [look("it", "echo seen")],
    steps: [act(":"), act("echo why >&2; exit 3", { ok }), act(":")],
  });
  expect(exits(outcomes)).toEqual(expected);
  expect(outcomes[1]!.stderr).toBe("why\n");
  expect(observation.results.get("it")!.stdout).toBe("seen\n");
});

test("a success that does not count as one stops as well", async () => {
  expect(exits((await run({ reads: [], steps: [act(":", { ok: [1] }), act(":")] })).outcomes)).toEqual([0]);
});

test("a step that takes too long is ended, with what it started", async () => {
  const { outcomes } = await run({
    reads: [],
    steps: [act("sleep 600 & echo $!; wait", { timeout: 1 }), act(":")],
  });
  expect(outcomes).toEqual([{ exit: 124, stdout: expect.stringMatching(/^\d+\n$/), stderr: expect.any(String) }]);
  expect(commandOf(outcomes[0]!.stdout.trim())).toBe("");
});

test("a step that is killed is a failure, not the end of the batch", async () => {
  const { outcomes, observation } = await run({
    reads: [look("it", "echo seen")],
    steps: [act("kill -9 $$"), act(":")],
  });
  expect(exits(outcomes)).toEqual([137]);
  expect(observation.results.get("it")!.stdout).toBe("seen\n");
});

const texts = ["", "one line\n", "no line feed", "it's $(x) `y` \\n %s %d\n\n", "Käse 🔒", "-n", "x".repeat(300_000)];
test.each(texts.map((t) => [t.slice(0, 30), t] as const))("standard input %j arrives as it is", async (_, stdin) => {
  const { outcomes } = await run({ reads: [], steps: [act("sha256sum", { stdin }), act("wc -c")] });
  expect(outcomes[0]!.stdout.slice(0, 64)).toBe(createHash("sha256").update(stdin).digest("hex"));
  expect(outcomes[1]!.stdout.trim()).toBe("0");
});

test("a secret in standard input is in no process's arguments or environment, and on no disk", async () => {
  const secret = "s3cret-it's-$(x)";
  // Longer than a pipe holds: who writes it still does so when we look, before it is read.
  const stdin = `${secret}\n`.repeat(20_000);
  const everyone = "for p in /proc/[0-9]*; do tr '\\0' '\\n' <$p/cmdline; tr '\\0' '\\n' <$p/environ; done 2>/dev/null";
  const files = "grep -rl s3cret-it /run/svirt-lxc /tmp/svirt-lxc-unit-* 2>/dev/null";
  const { outcomes } = await run({
    reads: [],
    steps: [act(`${everyone}; ${files}; echo looked; wc -c`, { stdin, title: "looks around" })],
  });
  expect(outcomes[0]!.stdout).toContain("looked\n");
  expect(outcomes[0]!.stdout.trim().split("\n").at(-1)).toBe(String(stdin.length));
  expect(outcomes[0]!.stdout.replace(/^.*s3cret-it /gm, "")).not.toContain(secret.slice(0, 9));
});

test("an upload follows the script, and is read by its step alone", async () => {
  const upload = file("upload");
  writeFileSync(upload, Buffer.alloc(3_000_000, "main\n'\"$(x)\0\xff"));
  const { outcomes, observation } = await run({
    reads: [look("it", "cat")],
    steps: [act("sha256sum", { upload, phase: "before" })],
  });
  expect(outcomes[0]!.stdout.slice(0, 64)).toBe(createHash("sha256").update(readFileSync(upload)).digest("hex"));
  expect(observation.results.get("it")!.stdout).toBe("");
});

test("a look under the lock leaves an upload to its step", async () => {
  const upload = file("upload-locked");
  writeFileSync(upload, "content");
  const reads = [look("it", "cat")];
  const { observation } = await run({ reads });
  const lock = { holder: "unit", expect: observation.digest };
  const { outcomes, stale } = await run({ reads, steps: [act("cat", { upload })], lock });
  expect({ stale, outcomes }).toEqual({ stale: false, outcomes: [{ exit: 0, stdout: "content", stderr: "" }] });
});

test("the batch's own files are private, and gone afterwards", async () => {
  const { outcomes } = await run({
    reads: [],
    steps: [act("f=$(readlink /proc/$$/fd/1); echo $f; stat -c %a ${f%/*}")],
  });
  const [path = "", mode] = outcomes[0]!.stdout.split("\n");
  expect(path).toMatch(/^\/run\/svirt-lxc\/batch\.\d+\.\w+\/step0\.out$/);
  expect(mode).toBe("700");
  expect(existsSync(dirname(path))).toBe(false);
});
