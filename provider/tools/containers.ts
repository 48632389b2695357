import type { Results } from "../host/batch.ts";
import { stackIdOf } from "../host/owner.ts";
import { hasRetained, parseStore, readableSlots, rootNames } from "../host/store.ts";
import { parseDomains } from "./domains.ts";
import { mountedRoot } from "./root-mount.ts";

/**
 * The containers of a host that are whole: a root, and a domain on it. An engine that was killed never
 * leaves one that it has not heard of, since it hears of the root before it begins with the domain. Asks for the store and the
 * domains; if libvirt cannot tell, every root passes for one.
 */
export function completeContainers(results: Results): Set<string> {
  const names = rootNames(parseStore(results.get("store")!));
  const domains = results.get("domains")!;
  if (domains.exit !== 0) return new Set(names);
  const used = new Set([...parseDomains(domains).values()].map(({ next }) => next.root));
  return new Set(names.filter((name) => used.has(mountedRoot(name))));
}

/**
 * Does a complete container of the owner's stack run on what that owner claims? Such a claim is no orphan: the store of the stack
 * is being replaced, while the rest of it stays.
 */
export function hasContainer(results: Results, owner: string): boolean {
  const complete = completeContainers(results);
  const slots = readableSlots(parseStore(results.get("store")!));
  return slots.some((slot) => complete.has(slot.name) && stackIdOf(slot.owner) === stackIdOf(owner));
}

/**
 * Is there a container that needs the policy, though nobody may claim it any more? It was declared to be kept, or a stack was
 * destroyed whose state had lost it. Those of a stack's state are gone before.
 */
export function isPolicyStillNeeded(results: Results): boolean {
  return completeContainers(results).size > 0 || hasRetained(parseStore(results.get("store")!));
}
