/** Where a figure was measured: hosts that cost nothing themselves (support/host), or the lab's virtual machine. */
export type Place = "stand-in host" | "lab host";

/** What was measured, against what, and the goal. */
export interface Figure {
  what: string;
  against: string;
  place: Place;
  /** What follows the number: "×", "× faster", " MB". */
  unit: string;
  goal: { most: number } | { least: number };
  /** One a round. A ratio is of two that were measured one after the other. */
  samples: readonly number[];
}

/** What one row of the bench has found. */
export interface Section {
  /** The name of its part of the document. */
  id: string;
  title: string;
  figures: readonly Figure[];
  /** What the figures were made of. */
  table: { head: readonly string[]; rows: readonly (readonly string[])[] };
  /** Lines of growth, if it has any: by name, points of a count and a time in seconds. */
  growth?: Readonly<Record<string, readonly (readonly [count: number, seconds: number])[]>>;
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Is the goal met? The median counts. */
export function isMet({ goal, samples }: Figure): boolean {
  const found = median(samples);
  return "most" in goal ? found <= goal.most : found >= goal.least;
}

/** Three digits that count: "1.04", "10.4", "104"; of what is counted, all: "4". */
function digits(number: number): string {
  if (Number.isInteger(number)) return String(number);
  return number.toFixed(Math.abs(number) < 10 ? 2 : Math.abs(number) < 100 ? 1 : 0);
}

/** The median, with the spread where there is more than one: "1.04 (0.98–1.10, 5 rounds)". */
export function spread(samples: readonly number[], unit = ""): string {
  const middle = `${digits(median(samples))}${unit}`;
  if (samples.length < 2) return middle;
  return `${middle} (${digits(Math.min(...samples))}–${digits(Math.max(...samples))}, ${samples.length} rounds)`;
}

/** Milliseconds as seconds, with the spread. */
export function seconds(ms: readonly number[]): string {
  return spread(
    ms.map((each) => each / 1000),
    " s",
  );
}

/** One sample after the other, as ratios. */
export function ratios(of: readonly number[], to: readonly number[]): number[] {
  return of.map((each, i) => each / to[i]!);
}
