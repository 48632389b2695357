import { execa } from "execa";
import { type Step, script } from "../../../provider/host/batch.ts";
import { chart } from "../../support/bench/chart.ts";
import { type Figure, isMet, median, spread } from "../../support/bench/figures.ts";
import { asOneScript } from "../../support/bench/recorded.ts";

const figure = (goal: Figure["goal"], ...samples: number[]): Figure => ({
  what: "first up",
  against: "a script",
  place: "stand-in host",
  unit: "×",
  goal,
  samples,
});

test("the median is that of the rounds", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});

test("a goal is met by the median", () => {
  expect(isMet(figure({ most: 1.2 }, 1, 1.2, 9))).toBe(true);
  expect(isMet(figure({ most: 1.2 }, 1, 1.3, 1.3))).toBe(false);
  expect(isMet(figure({ least: 20 }, 20))).toBe(true);
  expect(isMet(figure({ least: 20 }, 19.9))).toBe(false);
});

test("a figure is told with its spread", () => {
  expect(spread([1.234], "×")).toBe("1.23×");
  expect(spread([123.4, 10.06, 0.5], "×")).toBe("10.1× (0.50–123, 3 rounds)");
  expect(spread([4, 4, 4])).toBe("4 (4–4, 3 rounds)");
});

test("the plot begins at zero and has all points", () => {
  const svg = chart({ up: [[50, 10] as const, [100, 20] as const], "a < b": [[50, 1] as const] }, { x: "n", y: "s" });
  expect(svg.match(/<circle/g)).toHaveLength(3);
  expect(svg).toContain('<polyline points="305.0,187.0 550.0,20.0"');
  expect(svg).toContain("a &lt; b");
});

test("what batches do becomes one script, which ends where a step fails", async () => {
  const step = (text: string, code = 0): Step => ({
    id: "x",
    title: "x",
    argv: ["sh", "-c", `cat; exit ${code}`],
    stdin: text,
  });
  const batches = [
    script({ reads: [{ key: "look", argv: ["false"] }], steps: [step("one"), step("two")] }),
    script({ reads: [{ key: "look", argv: ["false"] }] }),
    script({ reads: [], steps: [step("three", 3), step("four")], lock: { holder: "me", expect: "" } }),
  ];
  const text = asOneScript(batches);
  expect(text.match(/^act$/gm)).toHaveLength(2);
  expect(text).not.toContain("flock");
  const { exitCode } = await execa("sh", ["-n"], { input: text });
  expect(exitCode).toBe(0);
});
