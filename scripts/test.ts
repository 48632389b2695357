import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, setPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { main } from "./setup/main.ts";
import { checkout } from "./setup/paths.ts";

/** The tiers, in two lanes side by side: the lab has one processor, and waits more than it works. */
const LANES = [["unit", "policy", "engine"], ["lab"]];
/** What takes an hour, and what prints times, runs only when it is asked for. */
const ON_REQUEST = ["sweep", "lab-sweep", "bench"];
/** How many tests a tier runs at a time. The machine has one lab; whoever runs the engine also waits for it. */
const WORKERS: Record<string, string[]> = {
  engine: ["--maxWorkers=100%"],
  sweep: [`--maxWorkers=${2 * availableParallelism()}`], // to jest, more than 100% is a count
  bench: ["--runInBand"],
  lab: ["--runInBand"],
  "lab-sweep": ["--runInBand"],
};

const running = new Set<ChildProcess>();
// Who ends us means the tests.
for (const signal of ["SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => {
    for (const child of running) child.kill(signal);
    process.kill(process.pid, signal);
  });

/** Runs the tests, and closes with the line that counts them all. */
await main(async () => {
  const { values, positionals } = parseArgs({
    options: { tier: { type: "string", multiple: true } },
    allowPositionals: true,
  });
  const all = [...LANES.flat(), ...ON_REQUEST];
  const unknown = values.tier?.find((tier) => !all.includes(tier));
  if (unknown) throw new Error(`there is no tier ${unknown}: choose of ${all.join(", ")}`);

  const total = { passed: 0, failed: 0 };
  const go = async (lane: string[]) => {
    for (const tier of lane) {
      const { passed, failed } = await run(tier, positionals);
      total.passed += passed;
      total.failed += failed;
    }
  };
  await Promise.all((values.tier ? [values.tier] : LANES).map(go));
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
});

/** A tier that could not run counts as a failure, and so does one without a test. */
async function run(tier: string, patterns: string[]): Promise<{ passed: number; failed: number }> {
  const dir = await mkdtemp(join(tmpdir(), "svirt-lxc-test-"));
  const report = join(dir, "report.json");
  const jest = join(checkout, "node_modules", "jest", "bin", "jest.js");
  const args = ["--selectProjects", tier, ...(WORKERS[tier] ?? []), "--json", `--outputFile=${report}`, ...patterns];
  const child = spawn(process.execPath, ["--experimental-vm-modules", "--no-warnings", jest, ...args], {
    cwd: checkout,
    stdio: ["ignore", "ignore", "pipe"], // --json prints the report, too; people read stderr
  });
  running.add(child);
  child.once("close", () => running.delete(child));
  // What works gives way to what waits.
  if (!tier.startsWith("lab") && child.pid) setPriority(child.pid, 10);
  // Whole lines: two tiers may be talking.
  createInterface(child.stderr).on("line", (line) => process.stderr.write(`${line}\n`));
  await new Promise((done) => child.on("close", done));
  try {
    const { numPassedTests, numFailedTests, numFailedTestSuites, numTotalTests } = JSON.parse(
      await readFile(report, "utf8"),
    );
    const broken = numFailedTestSuites > 0 || numTotalTests === 0 ? 1 : 0;
    return { passed: numPassedTests, failed: Math.max(numFailedTests, broken) };
  } catch {
    console.error(`the ${tier} tests could not be run`);
    return { passed: 0, failed: 1 };
  } finally {
    await rm(dir, { recursive: true });
  }
}
