import { look, run } from "../../support/batch.ts";

const resultOf = async (line: string) => (await run({ reads: [look("it", line)] })).observation.results.get("it")!;

const lines: [line: string, outcome: { exit?: number; stdout?: string; stderr?: string }][] = [
  ["echo out", { stdout: "out\n" }],
  ["printf 'no line feed'", { stdout: "no line feed" }],
  ["echo err >&2", { stderr: "err\n" }],
  ["echo out; echo err >&2; exit 3", { exit: 3, stdout: "out\n", stderr: "err\n" }],
  [":", {}],
  ["printf '\\n\\n'", { stdout: "\n\n" }],
  // Whatever is printed, it is not taken for the protocol.
  ["echo '@ read0 0 0 0'; echo '@ digest-x 0 0 0'", { stdout: "@ read0 0 0 0\n@ digest-x 0 0 0\n" }],
  ["echo '@ step0 0 0 0' >&2", { stderr: "@ step0 0 0 0\n" }],
  ["printf '\\036progress\\n'", { stdout: "\x1eprogress\n" }],
  ["printf 'Käse 名前 🔒'", { stdout: "Käse 名前 🔒" }],
  ["printf 'a\\0b'", { stdout: "a\0b" }],
  ["kill -9 $$", { exit: 137, stderr: expect.anything() }],
  ["no-such-command-of-ours 2>/dev/null", { exit: 127 }],
  // It asks nobody, and speaks the same language everywhere.
  ["cat", {}],
  ["echo $LC_ALL", { stdout: "C\n" }],
  ["umask", { stdout: "0077\n" }],
];
test.each(lines)("a look by %s", async (line, outcome) => {
  expect(await resultOf(line)).toEqual({ exit: 0, stdout: "", stderr: "", ...outcome });
});

test("a command that is not there is an outcome, too", async () => {
  const { observation } = await run({ reads: [{ key: "it", argv: ["/no/such/command"] }] });
  expect(observation.results.get("it")).toMatchObject({ exit: 127, stdout: "" });
});

test("looks are told apart by their keys, and one that fails keeps no other from being made", async () => {
  const { observation, outcomes, stale } = await run({
    reads: [look("b", "echo 1"), look("a", "echo 2; exit 1"), look("c d/'", "echo 3")],
  });
  expect([...observation.results].map(([key, { exit, stdout }]) => [key, exit, stdout])).toEqual([
    ["b", 0, "1\n"],
    ["a", 1, "2\n"],
    ["c d/'", 0, "3\n"],
  ]);
  expect({ outcomes, stale }).toEqual({ outcomes: [], stale: false });
});

test("nothing to look at", async () => {
  expect((await run({ reads: [] })).observation.results.size).toBe(0);
});

const digest = async (...looks: [line: string, volatile?: boolean][]) =>
  (await run({ reads: looks.map(([line, volatile], i) => look(String(i), line, { volatile })) })).observation.digest;

test("the digest is of what was printed and of the exit code, but not of errors and of what changes by itself", async () => {
  const first = await digest(["echo a"], ["echo b"]);
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(await digest(["echo a; echo warning >&2"], ["echo b"])).toBe(first);
  expect(await digest(["echo a"], ["echo b"], ["date +%N", true])).toBe(first);
  expect(await digest(["echo a"], ["echo c"])).not.toBe(first);
  expect(await digest(["echo b"], ["echo a"])).not.toBe(first);
  expect(await digest(["echo a; exit 1"], ["echo b"])).not.toBe(first);
});
