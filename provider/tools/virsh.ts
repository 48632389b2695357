import type { Step, StepName } from "../host/batch.ts";
import { UPTIME } from "./uptime.ts";

/** virsh(1) on the LXC driver of the host. */
export function virsh(...args: string[]): string[] {
  return ["virsh", "-q", "-c", "lxc:///", ...args];
}

/** The same for scripts: a function of sh. */
export const V = 'v() { virsh -q -c lxc:/// "$@"; }';

/** The exit code of a look at libvirt that found it stopped, or without its LXC driver, which LibvirtService mends (EX_UNAVAILABLE, sysexits.h). */
export const EXIT_UNAVAILABLE = 69;

/**
 * For scripts that ask of many things at once: one virsh tells all of them, and goes on after what it cannot tell. `list_all ALL ASK N`
 * prints N documents of each of the list, or fails: something has come or gone meanwhile, and nothing may pass for gone.
 * `retry` has the script's `look` tried some times over, and tells a libvirt that is not there, or stopped, from one that did
 * not answer.
 */
export const LIST_ALL = `
${V}
list_all() {
  [ -n "$1" ] || return 0
  documents=$(v "$2") && [ "$(printf '%s\\n' "$documents" | grep -c '^@[a-z]* <')" = $(($3 * $(printf '%s\\n' "$1" | grep -c .))) ] && printf '%s\\n' "$documents"
}
retry() {
  look || look || look || {
    systemctl cat libvirtd.socket >/dev/null 2>&1 || systemctl cat virtlxcd.socket >/dev/null 2>&1 || exit 0 # not installed
    case $(v uri 2>&1) in *'no connection driver'*) exit ${EXIT_UNAVAILABLE};; esac
    systemctl is-active --quiet libvirtd.socket virtlxcd.socket && exit 1
    exit ${EXIT_UNAVAILABLE}
  }
}`;

/** Seconds that a container has to stop as its init wants; then, for the end by force. */
const STOP_LIMIT = 60;
const DESTROY_LIMIT = 120;

// `virsh shutdown` is silently ignored for LXC without an initctl pipe. SIGRTMIN+4 is systemd's poweroff (systemd(1));
// libvirt counts SIGRTMIN as 32 higher than signal 32: number 38 here is 34 + 4.
const STOP = `
${V}
${UPTIME}
off() { [ "$(v domstate "$1" 2>/dev/null)" = "shut off" ]; }
off "$1" && exit 0
[ "$(v domstate "$1")" != paused ] || v resume "$1"
v send-process-signal "$1" 1 38 || true
end=$(($(uptime) + ${STOP_LIMIT}))
while [ "$(uptime)" -lt $end ]; do off "$1" && exit 0; sleep 0.2; done
v destroy "$1" || off "$1"
`;

const DESTROY = `
${V}
v destroy "$1" || [ "$(v domstate "$1" 2>/dev/null)" = "shut off" ]
`;

/**
 * Ends a container by force. libvirt fails where it ended a moment before, or while its control group is being removed
 * ("Unable to read from …/cgroup.controllers"): what counts is that it does not run.
 */
export function destroyDomain(name: StepName, domain: string): Step {
  return { ...name, argv: ["sh", "-c", DESTROY, "sh", domain] };
}

/** Stops a container as its init wants to be stopped; after a minute, by force. */
export function stopGracefully(name: string): Step {
  return {
    id: "stop-container",
    title: "Stopping the container",
    argv: ["sh", "-c", STOP, "sh", name],
    timeout: STOP_LIMIT + DESTROY_LIMIT,
  };
}
