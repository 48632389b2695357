import type { Run, Stack } from "../stack.ts";
import type { Host, Place } from "./host.ts";

/** What can happen to an operation at a step, and how bin/timeout has its part in it. */
export const DISTURBANCES = {
  /** The step fails. */
  fail: "fail",
  /** It takes longer than it may. */
  hang: "hang",
  /** It does its work, and then takes longer than it may. */
  late: "late",
  /** A look fails, not a step. */
  blind: "blind",
  /** The connection is lost before it runs; it still runs. */
  "cut before": "before",
  /** The connection is lost after it has run. */
  "cut after": "after",
  /** The connection is lost, and with it all that runs on the host. */
  lost: "before",
  /** SIGKILL to the engine and the provider before it runs; it still runs. */
  "kill before": "before",
  /** SIGKILL after it has run. */
  "kill after": "after",
} as const;

export type Disturbance = keyof typeof DISTURBANCES;

export const STEPS = ["fail", "hang", "late", "blind"] as const;
export const CONNECTIONS = ["cut before", "cut after", "lost"] as const;
export const KILLS = ["kill before", "kill after"] as const;

function placeOf(what: Disturbance): Place {
  return what === "blind" ? "look" : "step";
}

/**
 * Where a way differs from each other one: before a step that is not its batch's first, the engine goes and the batch
 * stays, which is nothing else than after the step before it.
 */
export function distinctPlaceOf(what: Disturbance): Place {
  return what === "cut before" || what === "kill before" ? "begin" : placeOf(what);
}

/** Runs an operation that is disturbed at its N-th step, or other place. Undefined if it has fewer: then it went through. */
export async function disturbed(
  host: Host,
  stack: Stack,
  operation: "up" | "destroy",
  step: number,
  what: Disturbance,
  place: Place = placeOf(what),
): Promise<Run | undefined> {
  await host.steps();
  await host.fault(place, step, DISTURBANCES[what]);
  const running = stack.start(operation, "--yes", "--skip-preview");
  if (DISTURBANCES[what] === "before" || DISTURBANCES[what] === "after") {
    if (await host.blocked(running.done)) {
      if (what.startsWith("kill")) await running.kill();
      else await host.cut();
      if (what === "lost") await host.killBatches();
      else await host.go();
    }
  }
  const run = await running.done;
  if (what.startsWith("kill")) await stack.pulumi("cancel", "--yes").catch(() => {});
  if (!(await host.mend())) return run;
  if (!run.ok) throw new Error(`it failed, though nothing was put in its way:\n${run.output}`);
  return undefined;
}

/** Who the things on a host say that they belong to, as "LxcRootfs web". */
export async function owners(host: Host, stack: string): Promise<string[]> {
  const text = await host.sh(
    `cd /var/lib/svirt-lxc 2>/dev/null && { find claims -type f -printf '%f\\n'; cat slots/* roots/*/root.json; } 2>/dev/null; cat /etc/libvirt/lxc/*.xml 2>/dev/null; true`,
  );
  const tokens = decodeURIComponent(text.replaceAll(/%(?![0-9A-F]{2})/g, "%25")).matchAll(
    new RegExp(`svirt-lxc/${stack}/(\\w+)/([\\w.-]+)`, "g"),
  );
  return [...new Set([...tokens].map(([, kind, name]) => `${kind} ${name}`))].sort();
}
