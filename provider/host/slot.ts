/** A contiguous range of user and group ids of the host, mapped to 0 and on inside. */
export interface IdMap {
  start: number;
  count: number;
}

/**
 * First of the ids that systemd's UIDS-GIDS document leaves unused (to 2147352575): no clash with /etc/subuid,
 * systemd-nspawn or homed.
 */
export const FIRST_ID = 1_879_048_192;
export const IDS = 65_536;

/** How many slots a host has: as many as a /20 has addresses beside the host's own. The ids would last for one more. */
export const SLOTS = 4_093;

/** The lowest slot that nobody has. */
export function freeSlot(taken: Iterable<number>): number {
  const used = new Set(taken);
  let slot = 0;
  while (used.has(slot)) slot++;
  if (slot >= SLOTS) throw new RangeError(`all ${SLOTS} slots of the host are taken`);
  return slot;
}

export function idMapOf(slot: number): IdMap {
  return { start: FIRST_ID + slot * IDS, count: IDS };
}

/** The slot whose ids begin there; undefined if none's do. */
export function slotOfIds(start: number): number | undefined {
  const slot = (start - FIRST_ID) / IDS;
  return Number.isInteger(slot) && slot >= 0 && slot < SLOTS ? slot : undefined;
}

/**
 * The MCS level of a slot: two categories, of which one is below 512 and the other is not. No two slots have the same pair,
 * and so neither of them dominates the other.
 */
export function levelOf(slot: number): string {
  return `s0:c${slot % 512},c${512 + Math.floor(slot / 512)}`;
}
