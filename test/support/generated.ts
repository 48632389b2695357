import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "../../scripts/setup/paths.ts";

/**
 * A part of a document is what a test has found: it stands between two comments with its name. With SVIRT_LXC_WRITE_DOCS set, it
 * is written there; otherwise it has to be there.
 */
export function expectDocumented(file: string, part: string, text: string): void {
  const path = join(checkout, file);
  const before = readFileSync(path, "utf8");
  const place = new RegExp(`(<!-- ${part} -->\n).*?(<!-- end of ${part} -->)`, "s");
  if (!place.test(before)) throw new Error(`${file} has no part ${part}`);
  const after = before.replace(place, (_, begin, end) => `${begin}${text}\n${end}`);
  if (process.env.SVIRT_LXC_WRITE_DOCS) writeFileSync(path, after);
  else expect(before).toBe(after);
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
