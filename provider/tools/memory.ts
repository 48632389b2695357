const UNITS: Readonly<Record<string, number>> = { KiB: 1, MiB: 1024, GiB: 1024 ** 2 };

/** "512MiB" in KiB; undefined if it is not an amount of memory. */
export function parseMemory(text: string): number | undefined {
  const [, number, unit = ""] = /^([1-9]\d*) ?(KiB|MiB|GiB)$/.exec(text) ?? [];
  const kib = Number(number) * (UNITS[unit] ?? Number.NaN);
  return Number.isSafeInteger(kib) ? kib : undefined;
}

/** KiB in the largest unit that needs no fraction. */
export function formatMemory(kib = 0): string {
  for (const [unit, factor] of Object.entries(UNITS).reverse()) {
    if (kib > 0 && kib % factor === 0) return `${kib / factor}${unit}`;
  }
  return `${kib}KiB`;
}
