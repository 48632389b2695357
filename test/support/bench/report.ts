import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { execaSync } from "execa";
import { engineVersion } from "../../../scripts/engine/version.ts";
import { checkout } from "../../../scripts/setup/paths.ts";
import { table, writeDocumented } from "../generated.ts";
import { chart } from "./chart.ts";
import { type Figure, isMet, type Section, spread } from "./figures.ts";

const DOCUMENT = "docs/performance.md";
const RECORD = join(checkout, "docs/performance.json");
const PLOT = join(checkout, "docs/performance.svg");

/** The sections, in the order of the document. */
const ORDER = ["growth", "floor", "provider", "link", "ansible", "lab-first-up", "clone", "fleet"];

/** A section, and when and with what it was measured. */
interface Recorded extends Section {
  date: string;
  versions: Readonly<Record<string, string>>;
}

/** Writes what was found into the document, its plot and its JSON, and prints it. What other rows have found stays there. */
export function record(section: Section, versions: Readonly<Record<string, string>> = {}): void {
  const others = read().filter(({ id }) => id !== section.id);
  const date = new Date().toISOString().slice(0, 16).replace("T", " ");
  const sections = [...others, { ...section, date, versions: { ...measuredWith(), ...versions } }].sort(
    (a, b) => ORDER.indexOf(a.id) - ORDER.indexOf(b.id),
  );
  writeFileSync(RECORD, `${JSON.stringify({ sections }, undefined, 2)}\n`);
  writeDocumented(DOCUMENT, "goals", goals(sections));
  writeDocumented(DOCUMENT, section.id, tableOf(section));
  writeDocumented(DOCUMENT, "measured with", measured(sections));
  if (section.growth) {
    const axes = { x: "containers on the host", y: "seconds" };
    writeFileSync(PLOT, chart(section.growth, axes));
  }
  process.stderr.write(`${[section.title, "", goals([section]), "", tableOf(section)].join("\n")}\n\n`);
}

function read(): Recorded[] {
  return existsSync(RECORD) ? JSON.parse(readFileSync(RECORD, "utf8")).sections : [];
}

function goals(sections: readonly Section[]): string {
  const rows = sections.flatMap(({ figures }) => figures.map(row));
  return table(["figure", "against", "measured on", "goal", "median (spread)", ""], rows);
}

function row(figure: Figure): string[] {
  const { what, against, place, unit, goal, samples } = figure;
  const limit = "most" in goal ? `≤ ${goal.most}${unit}` : `≥ ${goal.least}${unit}`;
  return [what, against, place, limit, spread(samples, unit), isMet(figure) ? "met" : "**missed**"];
}

function tableOf({ table: { head, rows } }: Section): string {
  return table(head, rows);
}

function measured(sections: readonly Recorded[]): string {
  const rows = sections.map(({ title, date, versions }) => [
    title,
    date,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", "),
  ]);
  return table(["section", "when (UTC)", "with"], rows);
}

function measuredWith(): Record<string, string> {
  const git = execaSync("git", ["describe", "--always", "--dirty"], { cwd: checkout, reject: false });
  const kernel = execaSync("uname", ["-r"]).stdout;
  return {
    "svirt-lxc": git.exitCode === 0 ? git.stdout : "without git",
    Pulumi: engineVersion,
    Node: process.versions.node,
    Linux: kernel,
    machine: `of ${cpus().length} processors, ${Math.round(totalmem() / 2 ** 30)} GiB`,
  };
}
