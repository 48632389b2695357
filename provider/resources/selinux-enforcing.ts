import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { Kind } from "../engine/kind.ts";
import { type Args, HostResource } from "../engine/resource.ts";
import { familyOf } from "../families/index.ts";
import { hostName } from "../host/connection.ts";
import type { Problem } from "../host/errors.ts";
import type { OsRelease } from "../host/os-release.ts";
import { denialsRead, parseDenials } from "../tools/denials.ts";
import { checkLabels, checkLogin, configureMode, stopFallback, switchToEnforcing } from "../tools/enforce.ts";
import { forgetPrepared } from "../tools/relabel.ts";
import { type Activity, activityRead, parseActivity, restartHost, stoppedBy } from "../tools/restart.ts";
import { type Mode, parseSelinux, type SelinuxState, selinuxRead } from "../tools/selinux.ts";
import { installTroubleshooting } from "../tools/troubleshooting.ts";
import { common } from "./common.ts";
import {
  installPolicy,
  needsRelabel,
  obstacle,
  preparation,
  reasonOf,
  type Stage,
  stageOf,
  typeOf,
} from "./selinux-stage.ts";

const enforcing = z.literal("enforcing", 'can only be "enforcing"').default("enforcing");

/** May the host be restarted, if that is what it takes? */
export const rebootSchema = z.enum(["refused", "allowed"], 'must be "refused" or "allowed"');

const schema = z.strictObject({
  ...common,
  /** What the kernel does. It has no other value; a refresh puts here what it found, so that a preview names it. */
  mode: enforcing,
  /** What /etc/selinux/config has the next boot do. It has no other value either. */
  configured: enforcing,
  /** A host whose files have no labels can only be relabelled by a restart. Without "allowed", it is prepared and the error says so. */
  reboot: rebootSchema.default("refused"),
  /** Install what explains denials (Debian: audit2why; Fedora: setroubleshoot); errors then quote it. */
  troubleshooting: z.boolean().default(false),
});
type Inputs = z.output<typeof schema>;

interface Observed extends Pick<SelinuxState, "mode" | "configured" | "argument" | "fallback" | "prepared" | "tools"> {
  stage: Stage;
  os: OsRelease;
  host?: {
    selinux: SelinuxState;
    activity: Activity;
    denials: string[];
  };
}

interface Outputs {
  mode: Mode;
  bootMode: string;
  rebootRequired: boolean;
}

export const selinuxEnforcing: Kind<Inputs, Observed, Outputs> = {
  token: "SelinuxEnforcing",
  schema,
  hostName: ({ connection }) => hostName(connection),
  id: () => "selinux-enforcing",
  replaces: [],
  createOnly: ["reboot"],

  reads: () => [selinuxRead, activityRead, denialsRead],
  parse(results) {
    const selinux = parseSelinux(results);
    const { mode, configured, argument, fallback, prepared, tools, os } = selinux;
    return {
      ...{ mode, configured, argument, fallback, prepared, tools },
      stage: stageOf(selinux),
      os,
      host: { selinux, activity: parseActivity(results), denials: parseDenials(results) },
    };
  },

  // The mode is a property of every host: there is always one to reconcile.
  exists: () => true,
  precondition({ stage, configured, host }, { reboot, connection }) {
    const { selinux, activity } = host!;
    if (stage === "enforcing") return configured === "enforcing" ? undefined : lockOut(selinux);
    if (stage === "permissive") return closedLogin(selinux);
    const refused = obstacle(stage, selinux);
    if (refused || stage === "no-policy" || preparation(stage, selinux).length > 0) return refused;
    return restartProblem(reasonOf(stage, selinux), activity, reboot === "allowed", connection.ssh === undefined);
  },
  plan({ stage, configured, fallback, prepared, tools, os, host }, { reboot, connection, troubleshooting }) {
    const known = familyOf(os);
    const family = "unsupported" in known ? undefined : known; // and else it is refused
    if (stage === "no-policy") return family ? [installPolicy(family)] : [];
    if (needsRelabel(stage)) {
      const steps = host ? preparation(stage, host.selinux) : [];
      const mayRestart = reboot === "allowed" && connection.ssh !== undefined && host?.activity.blockers.length === 0;
      // What is prepared and must not be restarted is refused before; by the step, it shows that there is something to do.
      return steps.length === 0 || mayRestart ? [...steps, restartHost] : steps;
    }
    const forget = prepared === undefined ? [] : [forgetPrepared];
    // What follows is planned when the kernel enforces.
    if (stage === "permissive") return [checkLabels, ...forget, ...switchToEnforcing];
    const configure = configured !== "enforcing";
    // Not while the timer runs that a login has to forestall.
    const isSettled = !configure && !fallback;
    return [
      ...(troubleshooting && isSettled && family ? installTroubleshooting(family, tools) : []),
      // Before the timer was started, they were checked.
      ...(configure && !fallback ? [checkLabels] : []),
      ...(configure || fallback ? [checkLogin] : []),
      ...(fallback ? [stopFallback] : []),
      ...(configure ? [configureMode("enforcing")] : []),
      ...forget,
    ];
  },
  // A host is not made less safe by taking a resource out of a program.
  remove: ({ prepared }) => (prepared === undefined ? [] : [forgetPrepared]),
  outputs: ({ mode, configured, argument, stage }) => ({
    mode,
    bootMode:
      argument === undefined || argument === configured
        ? configured
        : `${argument} (enforcing= of the kernel's command line)`,
    rebootRequired: needsRelabel(stage),
  }),
  actualInputs: ({ mode, configured }) => ({ mode, configured }) as Partial<Inputs>,
  notices({ stage, host }) {
    const { selinux, activity, denials } = host!;
    if (stage === "no-policy")
      return ["no SELinux policy is installed; an update installs one, and then needs a restart of the host"];
    if (needsRelabel(stage))
      return [
        `${reasonOf(stage, selinux)}\nTo enforce, the host must restart and relabel all files, with SELinux permissive. ` +
          `An update prepares that, and restarts it if reboot: allowed; a restart stops ${stoppedBy(activity)}`,
      ];
    if (denials.length === 0) return [];
    const more = denials.length > MAX_DENIALS ? [`and ${denials.length - MAX_DENIALS} other kinds`] : [];
    const some = [...denials.slice(0, MAX_DENIALS), ...more].map((line) => `\n  ${line}`);
    return [`since this boot, SELinux has let pass what it denies when it enforces:${some.join("")}`];
  },
};

/** Kinds of denials that a notice lists. */
const MAX_DENIALS = 10;

/** Why a host that is prepared for its relabelling is not restarted. */
function restartProblem(
  reason: string,
  activity: Activity,
  isAllowed: boolean,
  isThisMachine: boolean,
): Problem | undefined {
  const { blockers } = activity;
  if (isAllowed && !isThisMachine && blockers.length === 0) return undefined;
  const isBlocked = isAllowed && !isThisMachine;
  return {
    code: isBlocked ? "restart-blocked" : "reboot-required",
    what: `SELinux enforces only after a restart of this host, which relabels its files${isBlocked ? "; the restart is blocked" : ""}`,
    why: [
      reason,
      "it is prepared: the next boot relabels all files, with SELinux permissive, and restarts once more",
      `a restart stops ${stoppedBy(activity)}`,
      ...(blockers.length > 0 ? [`it is blocked by ${blockers.join(", ")}`] : []),
    ].join("\n"),
    remedy: isBlocked
      ? "wait until that has ended, and run the same command again: it restarts the host and continues"
      : isThisMachine
        ? "restart this machine by hand, since this run would end with it, and run the same command again: it continues"
        : 'agree to the restart with `reboot: "allowed"` on this host, or restart it by hand; then run the same command again: it continues',
  };
}

const TOO_EARLY =
  "SELinux must not be enforced on this host yet: it would close it to every new login, or at the next boot";

/** What would close a host to everybody that enforces already, and whose next boot is to enforce, too. */
function lockOut(selinux: SelinuxState): Problem | undefined {
  const { init, autorelabel } = selinux;
  if (autorelabel === undefined && typeOf(init) === "init_t") return closedLogin(selinux);
  return {
    code: autorelabel === undefined ? "unlabelled-init" : "relabel-pending",
    what: TOO_EARLY,
    why: reasonOf("unlabelled", selinux),
    remedy: "switch to permissive (`setenforce 0`), and run the same command again: it has the host relabelled",
  };
}

/**
 * What shows in our own login before any other one is tried: a user whose login gets no context of its own is refused one when
 * the kernel enforces.
 */
function closedLogin({ login }: SelinuxState): Problem | undefined {
  if (!["kernel_t", "unlabeled_t", "sshd_t"].includes(typeOf(login))) return undefined;
  return {
    code: "unlabelled-login",
    what: TOO_EARLY,
    why: `our own login runs as ${login}: it has got no context of its own, and logins without one are closed then`,
    remedy:
      "see what pam_selinux and sshd say of it (journalctl -t sshd-session -t sshd), mend the mapping of the user " +
      "(`semanage login -l`), and run the same command again",
  };
}

export type SelinuxEnforcingArgs = Args<typeof schema>;

/**
 * The host enforces its SELinux policy, now and after a restart. From permissive it is switched, if its processes and files have
 * their labels, and for good only when a new login has worked. A host with SELinux disabled, or without labels, is prepared, and
 * restarted if `reboot` is "allowed": it relabels its files in permissive mode before. A run that breaks off is continued by the
 * next one. Deleting it changes nothing on the host.
 */
export class SelinuxEnforcing extends HostResource {
  /** What the kernel does: "enforcing". */
  declare readonly mode: pulumi.Output<string>;
  /** What the next boot does. `enforcing=` on the kernel's command line beats /etc/selinux/config. */
  declare readonly bootMode: pulumi.Output<string>;
  /** Whether only a restart, which relabels all files, leads to enforcing. */
  declare readonly rebootRequired: pulumi.Output<boolean>;

  constructor(name: string, args: SelinuxEnforcingArgs, opts?: pulumi.CustomResourceOptions) {
    super("SelinuxEnforcing", name, args, ["mode", "configured", "bootMode", "rebootRequired"], [], opts);
  }
}
