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

const lineEnds = [...whole.matchAll(/\n/g)].map((m) => m.index).filter((at) => at < whole.trimEnd().length);

test("cut off at any line it does nothing, and reports nothing", () => {
  expect(lineEnds.length).toBeGreaterThan(30);
  for (const end of lineEnds) {
    const stdout = arrives(whole.slice(0, end));
    expect({ end: whole.slice(end - 40, end), ran: existsSync(marker) }).toMatchObject({ ran: false });
    expect(() => parse(stdout, batch)).toThrow();
  }
});

test("cut off within a line it does nothing", () => {
  for (let end = 7; end < whole.trimEnd().length; end += 61) {
    arrives(whole.slice(0, end));
    expect({ end, ran: existsSync(marker) }).toEqual({ end, ran: false });
  }
});

test("cut off, it leaves nothing behind", () => {
  rmSync(runtime, { recursive: true });
  for (const end of lineEnds) arrives(whole.slice(0, end));
  expect(existsSync(runtime) ? readdirSync(runtime) : []).toEqual([]);
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
