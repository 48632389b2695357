import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "../../scripts/setup/paths.ts";

/**
 * A part of a document is what a test has found: it stands between two comments with its name. With SVIRT_LXC_WRITE_DOCS set, it
 * is written there; otherwise it has to be there.
 */
export function expectDocumented(file: string, part: string, text: string): void {
  const { before, after } = replaced(file, part, text);
  if (process.env.SVIRT_LXC_WRITE_DOCS) writeFileSync(join(checkout, file), after);
  else expect(before).toBe(after);
}

/** The same for what is another each time, such as a date: it is written when all is written, and never compared. */
export function noteDocumented(file: string, part: string, text: string): void {
  if (process.env.SVIRT_LXC_WRITE_DOCS) writeDocumented(file, part, text);
}

/** Writes a part of a document. */
export function writeDocumented(file: string, part: string, text: string): void {
  writeFileSync(join(checkout, file), replaced(file, part, text).after);
}

/** The cells of all tables of a part, without their heads. */
export function documentedRows(file: string, part: string): string[][] {
  const text = place(part).exec(readFileSync(join(checkout, file), "utf8"))?.[0] ?? "";
  const tables = text.split("\n\n").map((block) => block.split("\n").filter((line) => line.startsWith("| ")));
  return tables.flatMap((lines) =>
    lines.slice(2).map((line) =>
      line
        .slice(2, -2)
        .split(" | ")
        .map((cell) => cell.replaceAll("\\|", "|")),
    ),
  );
}

const place = (part: string) => new RegExp(`(<!-- ${part} -->\n).*?(<!-- end of ${part} -->)`, "s");

function replaced(file: string, part: string, text: string): { before: string; after: string } {
  const before = readFileSync(join(checkout, file), "utf8");
  if (!place(part).test(before)) throw new Error(`${file} has no part ${part}`);
  return { before, after: before.replace(place(part), (_, begin, end) => `${begin}${text}\n${end}`) };
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** What a file of tests tries, as a table of a document: a row is noted by the test that has seen it. */
export class Documented {
  readonly #file: string;
  readonly #part: string;
  readonly #head: readonly string[];
  readonly #rows: string[][] = [];

  constructor(file: string, part: string, head: readonly string[]) {
    this.#file = file;
    this.#part = part;
    this.#head = head;
  }

  note(...cells: string[]): void {
    this.#rows.push(cells);
  }

  /** Are these the rows of the document? For the last test. */
  expect(): void {
    expectDocumented(this.#file, this.#part, table(this.#head, this.#rows));
  }
}
