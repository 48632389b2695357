import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Batch, parse, script } from "../../../provider/host/batch.ts";
import { act, look, run } from "../../support/batch.ts";

const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
afterAll(() => rmSync(folder, { recursive: true }));
const marker = join(folder, "marker");
const runtime = join(folder, "run");
const batch: Batch = {
  reads: [look("a", "echo one"), look("b", "printf two; exit 1")],
  steps: [act(`echo >${marker}`)],
};

/** The script, with its own files elsewhere. */
const whole = script(batch).replaceAll("/run/svirt-lxc", runtime);
const arrives = (text: string) => spawnSync("sh", ["-c", `eval "$(head -c ${whole.length})"`], { input: text }).stdout;

test("the whole script acts", () => {
  expect(parse(arrives(whole), batch).outcomes).toHaveLength(1);
  expect(existsSync(marker)).toBe(true);
  expect(readdirSync(runtime)).toEqual([]);
  rmSync(marker);
});

/** Every end of a line, and some places between. */
const ends = Array.from({ length: whole.trimEnd().length }, (_, at) => at).filter(
  (at) => whole[at] === "\n" || at % 97 === 7,
);

test("cut off anywhere it does nothing, reports nothing, and leaves nothing behind", () => {
  expect(ends.length).toBeGreaterThan(50);
  for (const end of ends) {
    const stdout = arrives(whole.slice(0, end));
    expect({ end: whole.slice(end - 40, end), ran: existsSync(marker) }).toMatchObject({ ran: false });
    expect(() => parse(stdout, batch)).toThrow();
  }
  expect(readdirSync(runtime)).toEqual([]);
});

test("a report that is cut off anywhere is no report", async () => {
  const { stdout } = (await run(batch)).delivery;
  expect(parse(stdout, batch).outcomes).toHaveLength(1);
  for (let end = 0; end < stdout.length; end++) {
    expect(() => parse(stdout.subarray(0, end), batch)).toThrow(/cut off|not a report/);
  }
});

const strange: [name: string, output: string][] = [
  ["nothing", ""],
  ["a greeting of a login script", "Welcome!\n"],
  ["a greeting before the report", "Welcome!\n@ read0 0 0 0\n"],
  ["no digest", "@ read0 0 0 0\n@ read1 0 0 0\n"],
  ["a size that is none", "@ read0 0 x 0\n"],
];
test.each(strange)("%s is no report", (_, output) => {
  expect(() => parse(Buffer.from(output), batch)).toThrow(/cut off|not a report/);
});

test("whoever was to hear the report is gone: it leaves nothing behind", () => {
  spawnSync("sh", ["-c", '(eval "$(cat)") 2>/dev/null | true'], { input: whole.replaceAll("echo one", "sleep 0.1") });
  expect(existsSync(marker)).toBe(true);
  expect(readdirSync(runtime)).toEqual([]);
});
