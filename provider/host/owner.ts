/**
 * Who owns a thing on a host, as it is written there: project/stack@ID/kind/name. The ID tells apart stacks that have the same
 * name, such as `dev` of two people whose states know nothing of each other; it is random, and kept in the state. What is made
 * without an LxcHost carries no ID unless its argument `owner` does.
 */
export function ownerOf(stack: { project: string; stack: string; id?: string }, kind: string, name: string): string {
  const { project, stack: stackName, id } = stack;
  return `${project}/${stackName}${id === undefined ? "" : `@${id}`}/${kind}/${name}`;
}

/** The ID of an owner's stack; undefined if it has none. A stack's name holds no "@". */
export function stackIdOf(owner: string): string | undefined {
  return owner.split("/")[1]?.split("@")[1];
}

/** An owner as it is to all stacks of that name. */
export function withoutId(owner: string): string {
  return owner.replace(/@[^/]*/, "");
}
