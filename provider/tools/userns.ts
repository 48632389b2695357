import { type IdMap, idMapOf } from "../host/slot.ts";

const COUNT = idMapOf(0).count;

/** Seconds that all looks into roots may take together, and for which others wait until they have ended. */
export const INSPECTION_LIMIT = 80;
const INSPECTION_TIMEOUT = INSPECTION_LIMIT + 10;

/**
 * A function of sh: `inside ROOT FIRST-ID COMMAND…` runs a command of the host in the folder of a container's root, as root of
 * the container's user namespace: what it writes belongs to the container's users, and a link that was planted in the image
 * leads to nothing that the container could not reach itself.
 * Needs unshare(1) of util-linux 2.39; as root it maps without /etc/subuid.
 */
export const INSIDE = `inside() {
  cd "$1" || return 1
  map=0:$2:${COUNT}; shift 2
  unshare --user --map-users=$map --map-groups=$map --setuid=0 --setgid=0 -- "$@"
}`;

/**
 * For scripts. What looks into a root is, for a moment, a process with the container's users and without its label, and it has
 * the root in use: who looks for such processes, and who unmounts roots, waits until it has ended.
 */
export const exclusiveInspection = inspectionLock("-x");
export const sharedInspection = inspectionLock("-s");

export function inspectionLock(how: "-x" | "-s", seconds = INSPECTION_TIMEOUT): string {
  return `exec 8>>/run/svirt-lxc/inspection && flock ${how} -w ${seconds} 8 || { echo "another inspection of the host does not end" >&2; exit 1; }`;
}

/** The command that runs another one inside a root. */
export function insideRoot(root: string, idmap: IdMap, argv: string[]): string[] {
  return ["sh", "-c", `${INSIDE}\ninside "$@"`, "inside", root, String(idmap.start), ...argv];
}
