import { READ_TIMEOUT, timeLimit, timeoutOf } from "../../provider/host/batch.ts";
import { allReads, installation, lifeOfAll } from "../support/whole-life.ts";

// A wait that is longer than what it stands in never says what it waited for: that is ended first, and "took too long".

/** The seconds that a command says it waits for at most, one after the other. */
function waitsOf(argv: readonly string[]): number[] {
  const text = argv.join("\n");
  const found = [
    ...[
      /\bflock\b[^\n]*? -w (\d+)/g,
      /\btimeout (?:-k \d+ )?(\d+)\b/g,
      /Lock::Timeout=(\d+)/g,
      /uptime\) \+ (\d+)/g,
    ].flatMap((pattern) => [...text.matchAll(pattern)]),
    ...text.matchAll(/limit=\$\(\((\d+) \//g), // shared out among all that it waits for
  ].map(([, seconds]) => Number(seconds));
  // Such a function is called twice.
  return text.includes("Lock::Timeout") ? [...found, ...found] : found;
}

const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
const rows = [
  ...[...lifeOfAll(), ...installation()].map((step) => ({
    what: step.id,
    // Its limit is its last argument.
    waits: [...waitsOf(step.argv), ...(step.id === "await-boot" ? [Number(step.argv.at(-1))] : [])],
    limit: timeoutOf(step),
  })),
  ...allReads().map((read) => ({ what: `read ${read.key}`, waits: waitsOf(read.argv), limit: READ_TIMEOUT })),
].filter(({ waits }) => waits.length > 0);

test("these wait", () => {
  expect([...new Set(rows.map(({ what }) => what))].sort()).toEqual([
    "await-boot",
    "install-packages",
    "install-policy",
    "install-troubleshooting",
    "mount-root",
    "read denials",
    "read evidence",
    "read network-rules",
    "read settings",
    "remove-container-rules",
    "stop-container",
    "unmount-root",
    "write-network-rules",
  ]);
});

test.each(rows)("$what waits for no longer than it may take", ({ waits, limit }) => {
  expect(waits.every((seconds) => seconds > 0)).toBe(true);
  expect(sum(waits)).toBeLessThan(limit);
});

test("a batch has the time that its lock, its reads and its steps may take", () => {
  const reads = allReads();
  const steps = lifeOfAll();
  const parts = sum(steps.map(timeoutOf));
  expect(timeLimit({ reads, steps })).toBeGreaterThan(reads.length * READ_TIMEOUT + parts);
  const lock = { holder: "x", expect: "x" };
  expect(timeLimit({ reads, steps, lock })).toBeGreaterThan(3600 + 2 * reads.length * READ_TIMEOUT + parts);
});
