import { freeSlot, idMapOf, levelOf, SLOTS } from "../../../provider/host/slot.ts";

const slots = Array.from({ length: SLOTS }, (_, slot) => slot);
/** What systemd's UIDS-GIDS document leaves unused. */
const FIRST = 1_879_048_192;
const LAST = 2_147_352_575;

const known: [slot: number, level: string, start: number][] = [
  [0, "s0:c0,c512", 1879048192],
  [1, "s0:c1,c512", 1879113728],
  [511, "s0:c511,c512", 1912537088],
  [512, "s0:c0,c513", 1912602624],
  [4092, "s0:c508,c519", 2147221504],
];
test.each(known)("slot %i", (slot, level, start) => {
  expect(levelOf(slot)).toBe(level);
  expect(idMapOf(slot)).toEqual({ start, count: 65536 });
});

test("levels: a pair for each slot, of which none holds another one's", () => {
  const pairs = slots.map((slot) => /^s0:c(\d+),c(\d+)$/.exec(levelOf(slot))!.slice(1).map(Number));
  expect(new Set(pairs.map(String)).size).toBe(SLOTS);
  for (const [low, high] of pairs as [number, number][]) {
    // Exactly two categories, in the order in which the kernel prints them: a set of two dominates another only if it is the same.
    expect(low >= 0 && low < 512 && high >= 512 && high < 1024).toBe(true);
  }
});

test("ids: ranges that do not meet, in what nobody else uses", () => {
  let end = FIRST;
  for (const slot of slots) {
    const { start, count } = idMapOf(slot);
    expect(start).toBe(end);
    expect(count).toBe(65_536);
    end = start + count;
  }
  expect(end - 1).toBeLessThanOrEqual(LAST);
});

const free: [name: string, taken: number[], slot: number][] = [
  ["none taken", [], 0],
  ["the first taken", [0], 1],
  ["a gap", [0, 1, 3, 4], 2],
  ["out of order, and twice", [2, 0, 2, 1], 3],
  ["only others", [7], 0],
  ["all but the last", slots.slice(0, -1), SLOTS - 1],
];
test.each(free)("the lowest free slot: %s", (_, taken, slot) => {
  expect(freeSlot(taken)).toBe(slot);
});

test("no slot is free", () => {
  expect(() => freeSlot(slots)).toThrow(`all ${SLOTS} slots`);
});
