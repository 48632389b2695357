import type { Outcome, Read } from "../host/batch.ts";
import { parseAvcRecord } from "../tools/avc-record.ts";
import { DENIALS_OF } from "../tools/denials.ts";
import { QUESTIONS } from "./questions.ts";

const LOOK = `${DENIALS_OF}
denials_of "$1" | tail -n 200; :`;

/** Where to look for what was denied to the container of a level, or to others on what is its own, and how to tell it. */
export function deniedTo(level: string): { read: Read; tell(outcome: Outcome): string[] } | undefined {
  // An orphan's label may not be known.
  if (level === "") return undefined;
  return {
    read: { key: "container-denials", argv: ["sh", "-c", LOOK, "sh", level], volatile: true },
    tell(outcome) {
      const told = tellDenials(outcome);
      return told.length === 0 ? [] : [`SELinux has denied, to ${level} or on it, in the last ten minutes:`, ...told];
    },
  };
}

/** Of how many kinds of denials an error tells. */
const MAX_KINDS = 4;

/** The denials as sentences, one a kind, the last kinds last: "perl (svirt_lxc_sys_t) may not read the dir of var_t (3 times)". */
function tellDenials({ stdout }: Outcome): string[] {
  const counts = new Map<string, number>();
  for (const line of stdout.split("\n")) {
    const sentence = sentenceOf(line);
    if (sentence !== undefined) counts.set(sentence, (counts.get(sentence) ?? 0) + 1);
  }
  const told = [...counts].map(([sentence, count]) => (count > 1 ? `${sentence} (${count} times)` : sentence));
  return told.slice(-MAX_KINDS);
}

/** One denial in plain words. */
function sentenceOf(line: string): string | undefined {
  const record = parseAvcRecord(line);
  if (record?.result !== "denied") return undefined;
  const { source, target, permissions, program, file } = record;
  const what = file === "" ? record.class : `${record.class} "${file}"`;
  const row = QUESTIONS.find((q) => q.class === record.class && typesOf(q.target, source).includes(target));
  const gain = row && source.startsWith("svirt_lxc_sys_t") ? `; no container may ${row.gain}` : "";
  return `${program || source} (${source}) may not ${permissions.join(", ")} the ${what} of ${target}${gain}`;
}

/** The types that a row is about. */
function typesOf(target: string, source: string): string[] {
  return target === "SELF" ? [source] : target.split("|").map((context) => context.split(":")[2] ?? "");
}
