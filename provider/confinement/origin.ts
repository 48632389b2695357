/** A process and its parent, by their process ids on the host. */
export interface Descendant {
  pid: number;
  parent: number;
}

/** The two processes that a container begins with. */
export interface Roots {
  /** The child of the controller, process 1 inside. */
  init: number;
  /** libvirt's process on the host. */
  controller: number;
}

/**
 * Where a process came from: "init" if it descends from the container's init, "controller" if libvirt's controller started it
 * otherwise, "host" if it came in from outside; undefined if an ancestor ended while the processes were read.
 *
 * Only the parents tell. What entered the namespaces (setns(2), then fork) keeps the parent that it has on the host, whereas
 * its label, its user and its control group are what whoever sent it in chose. A process of the container cannot get such a
 * parent: the kernel gives an orphan to an ancestor of its own, or to the init of its process namespace (find_new_reaper in
 * kernel/exit.c), and an init can make no sibling of itself (CLONE_PARENT, clone(2)). The other way round, what a visitor
 * leaves behind becomes the init's: from then on it is a process of the container, and is judged by the label that it has.
 */
export function originOf(
  process: Descendant,
  byPid: ReadonlyMap<number, Descendant>,
  { init, controller }: Roots,
): "init" | "controller" | "host" | undefined {
  const seen = new Set<number>();
  let { pid, parent } = process;
  while (!seen.has(pid)) {
    if (pid === init) return "init";
    if (pid === controller) return "controller";
    if (parent === 0) return "host"; // process 1, or what somebody started in the namespace that the host itself is
    seen.add(pid);
    const next = byPid.get(parent);
    // An init that is not listed has ended a moment ago.
    if (!next && parent !== init && parent !== controller) return undefined;
    [pid, parent] = [parent, next?.parent ?? 0];
  }
  return undefined; // ids were used again meanwhile
}
