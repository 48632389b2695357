import { type Family, familyOf, installPackages } from "../families/index.ts";
import type { Step } from "../host/batch.ts";
import type { Problem } from "../host/errors.ts";
import { enableInBootLoader } from "../tools/boot-loader.ts";
import { configureMode } from "../tools/enforce.ts";
import { isFullRelabel, recordPrepared, requestRelabel } from "../tools/relabel.ts";
import type { SelinuxState } from "../tools/selinux.ts";

/** How far a host is on the way to enforcing. */
export type Stage =
  /** No policy is installed. */
  | "no-policy"
  /** The kernel was started without SELinux. */
  | "not-in-kernel"
  /** The kernel has SELinux, but was given no policy: files that were made since then have no label. */
  | "not-loaded"
  /** The kernel is permissive, and files or processes have not the labels that they need. */
  | "unlabelled"
  /** The kernel is permissive, and only that. */
  | "permissive"
  | "enforcing";

export function stageOf({ mode, policy, inKernel, autorelabel, init, unlabelled }: SelinuxState): Stage {
  if (mode === "enforcing") return "enforcing";
  if (mode === "disabled") return !policy ? "no-policy" : inKernel ? "not-loaded" : "not-in-kernel";
  const isLabelled = autorelabel === undefined && typeOf(init) === "init_t" && unlabelled.length === 0;
  return isLabelled ? "permissive" : "unlabelled";
}

/** Is it one that only a restart leads out of, which relabels all files? */
export function needsRelabel(stage: Stage): boolean {
  return stage === "not-in-kernel" || stage === "not-loaded" || stage === "unlabelled";
}

export function typeOf(context: string): string {
  return context.split(":")[2] ?? "";
}

/** Why a host is not labelled, or does not even know labels. */
export function reasonOf(stage: Stage, { init, autorelabel, unlabelled, profiles }: SelinuxState): string {
  if (stage === "no-policy") return "no SELinux policy is installed";
  if (stage === "not-in-kernel") {
    const instead =
      profiles > 0 ? `; AppArmor runs in its place, and its ${profiles} profiles end with the restart` : "";
    return `the kernel was started without SELinux${instead}`;
  }
  if (stage === "not-loaded") return "SELinux is disabled: no policy was loaded, and files are made without labels";
  if (typeOf(init) !== "init_t")
    return `process 1 runs as ${init || "nothing"}, not in the domain init_t: it was started before its file had a label`;
  if (unlabelled.length > 0) return `processes have no domain of their own:\n${unlabelled.join("\n")}`;
  return `/.autorelabel is there${autorelabel ? ` (${autorelabel})` : ""}: the files wait to be relabelled by the next boot`;
}

/** Installs a policy. */
export function installPolicy(family: Family): Step {
  return {
    ...installPackages(family, family.policyPackages),
    id: "install-policy",
    subject: undefined,
    phase: "before",
  };
}

/**
 * What is still to be done before a restart that relabels the host. The configuration comes first: a host that enforces does not
 * relabel files without labels, and lets nobody in. The record comes last: it says that all of it was done.
 */
export function preparation(stage: Stage, state: SelinuxState): Step[] {
  const { configured, loaderReady, autorelabel, prepared, boot, os } = state;
  const family = familyOf(os);
  const isStartedWithout = stage === "not-in-kernel" && !loaderReady && !("unsupported" in family);
  return [
    ...(configured === "permissive" ? [] : [configureMode("permissive")]),
    ...(isStartedWithout ? [enableInBootLoader(family)] : []),
    ...(isFullRelabel(autorelabel) ? [] : [requestRelabel]),
    ...(prepared === undefined ? [recordPrepared(boot)] : []),
  ];
}

/** Why a host must not be prepared for a relabelling, or not restarted once more. */
export function obstacle(stage: Stage, state: SelinuxState): Problem | undefined {
  const { os, prepared, boot, readOnly, manualRelabel } = state;
  const problem = (code: string, why: string, remedy: string): Problem => ({
    code,
    what: `SELinux cannot be made to enforce on this host: ${reasonOf(stage, state)}`,
    why,
    remedy: `${remedy}; then run the same command again`,
  });
  const family = familyOf(os);
  if ("unsupported" in family)
    return problem("unsupported-host", family.unsupported, "see README for the supported hosts");
  if (stage === "no-policy") {
    return family.policyPackages.length > 0
      ? undefined
      : problem("no-policy", "/etc/selinux names no policy that is there", "install the distribution's SELinux policy");
  }
  const words = obstructive(stage, state);
  if (words.length > 0)
    return problem(
      "kernel-arguments",
      `the kernel's command line has ${words.join(" ")}: the restart would not relabel the files, or lock everybody out`,
      "take that out of the boot loader's configuration, and restart the host",
    );
  if (readOnly)
    return problem("read-only-root", "/ is mounted read-only: no file can be given a label", "mount it read-write");
  if (manualRelabel)
    return problem(
      "manual-relabel",
      "AUTORELABEL=0 in /etc/selinux/config has the boot stop at a console instead of relabelling",
      "remove that line",
    );
  if (prepared !== undefined && prepared !== boot)
    return problem(
      "relabel-failed",
      `the host was prepared for its relabelling, and has restarted since, but this is still so; it is not restarted again`,
      "see what the boot before this one said (`journalctl -b -1 -u selinux-autorelabel`, and its console), mend it, and " +
        "have another try with `rm /var/lib/svirt-lxc/selinux.json`",
    );
  return undefined;
}

/** Words of the kernel's command line with which a restart would not do what it is for. */
function obstructive(stage: Stage, { arguments: words }: SelinuxState): string[] {
  return words.filter((word) => {
    const [key, value = ""] = word.split("=");
    if (key === "enforcing") return value !== "0";
    if (key === "noautorelabel") return true;
    // On a kernel with SELinux, none of them is in its way; selinux=0 is what the boot loader is told to leave out.
    if (stage !== "not-in-kernel") return false;
    return (key === "security" && value !== "selinux") || (key === "lsm" && !value.split(",").includes("selinux"));
  });
}
