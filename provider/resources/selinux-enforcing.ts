import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { Kind } from "../engine/kind.ts";
import { type Args, HostResource } from "../engine/resource.ts";
import { hostName } from "../host/connection.ts";
import type { Problem } from "../host/errors.ts";
import {
  checkLabels,
  checkLogin,
  configureEnforcing,
  type Mode,
  parseSelinux,
  type SelinuxState,
  selinuxRead,
  stopFallback,
  switchToEnforcing,
} from "../tools/selinux.ts";
import { common } from "./common.ts";

const enforcing = z.literal("enforcing", 'can only be "enforcing"').default("enforcing");

const schema = z.strictObject({
  ...common,
  /** What the kernel does. It has no other value; a refresh puts here what it found, so that a preview names it. */
  mode: enforcing,
  /** What /etc/selinux/config has the next boot do. It has no other value either. */
  configured: enforcing,
});
type Inputs = z.output<typeof schema>;

interface Observed extends Pick<SelinuxState, "mode" | "configured" | "argument" | "fallback"> {
  host?: Pick<SelinuxState, "init" | "login" | "autorelabel" | "unlabelled">;
}

interface Outputs {
  mode: Mode;
  bootMode: string;
}

export const selinuxEnforcing: Kind<Inputs, Observed, Outputs> = {
  token: "SelinuxEnforcing",
  schema,
  hostName: ({ connection }) => hostName(connection),
  id: () => "selinux-enforcing",
  replaces: [],

  reads: () => [selinuxRead],
  parse(results) {
    const { init, login, autorelabel, unlabelled, ...observed } = parseSelinux(results);
    return { ...observed, host: { init, login, autorelabel, unlabelled } };
  },

  // The mode is a property of every host: there is always one to reconcile.
  exists: () => true,
  precondition({ mode, configured, host }) {
    if (mode === "disabled") {
      return {
        code: "selinux-disabled",
        what: "SELinux is disabled: the kernel labels nothing, and no container could be confined",
        why: `there is no /sys/fs/selinux/enforce; /etc/selinux/config says ${configured}`,
        remedy:
          "install the policy (Debian: selinux-basics selinux-policy-default auditd, then selinux-activate), " +
          "boot with security=selinux, let the file systems be relabelled in permissive mode, then run this again",
      };
    }
    return mode === "enforcing" && configured === "enforcing" ? undefined : lockOut(host!);
  },
  plan({ mode, configured, fallback }) {
    // What follows is planned when the kernel enforces.
    if (mode !== "enforcing") return [checkLabels, ...switchToEnforcing];
    const configure = configured !== "enforcing";
    return [
      // Before the timer was started, they were checked.
      ...(configure && !fallback ? [checkLabels] : []),
      ...(configure || fallback ? [checkLogin] : []),
      ...(fallback ? [stopFallback] : []),
      ...(configure ? [configureEnforcing] : []),
    ];
  },
  // A host is not made less safe by taking a resource out of a program.
  remove: () => [],
  outputs: ({ mode, configured, argument }) => ({
    mode,
    bootMode:
      argument === undefined || argument === configured
        ? configured
        : `${argument} (enforcing= of the kernel's command line)`,
  }),
  actualInputs: ({ mode, configured }) => ({ mode, configured }) as Partial<Inputs>,
};

const RELABEL =
  "with SELINUX=permissive in /etc/selinux/config, run `fixfiles -F onboot` and reboot: the host relabels its files, and " +
  "reboots once more. Then run the same command again";

/**
 * What would close a host to everybody once it enforces, and can be told before. On a host that was relabelled and not rebooted,
 * the processes still have the context of the kernel: a login from there gets none of its own, and is refused.
 */
function lockOut({ init, login, autorelabel, unlabelled }: NonNullable<Observed["host"]>): Problem | undefined {
  const refused =
    "SELinux must not be enforced on this host yet: it would close it to every new login, or at the next boot";
  const type = (context: string) => context.split(":")[2];
  if (autorelabel) {
    return {
      code: "relabel-pending",
      what: refused,
      why: "/.autorelabel is there: the files wait to be relabelled by the next boot",
      remedy: "reboot, with SELINUX=permissive in /etc/selinux/config, and run the same command again",
    };
  }
  if (type(init) !== "init_t") {
    return {
      code: "unlabelled-init",
      what: refused,
      why: `process 1 runs as ${init || "nothing"}, not in the domain init_t: it was started before its file had a label`,
      remedy: RELABEL,
    };
  }
  if (unlabelled.length > 0) {
    return {
      code: "unlabelled-processes",
      what: refused,
      why: `processes have no domain of their own:\n${unlabelled.join("\n")}`,
      remedy: `restart what they belong to, or ${RELABEL}`,
    };
  }
  if (["kernel_t", "unlabeled_t", "sshd_t"].includes(type(login) ?? "")) {
    return {
      code: "unlabelled-login",
      what: refused,
      why: `our own login runs as ${login}: it has got no context of its own, and logins without one are closed then`,
      remedy:
        "see what pam_selinux and sshd say of it (journalctl -t sshd-session -t sshd), mend the mapping of the user " +
        "(`semanage login -l`), and run the same command again",
    };
  }
  return undefined;
}

export type SelinuxEnforcingArgs = Args<typeof schema>;

/**
 * The host enforces its SELinux policy, now and after a reboot. From permissive it is switched, if its processes and files have
 * their labels, and for good only when a new login has worked. A host with SELinux disabled is an error that says what to do.
 * Deleting it changes nothing on the host.
 */
export class SelinuxEnforcing extends HostResource {
  /** What the kernel does: "enforcing". */
  declare readonly mode: pulumi.Output<string>;
  /** What the next boot does. `enforcing=` on the kernel's command line beats /etc/selinux/config. */
  declare readonly bootMode: pulumi.Output<string>;

  constructor(name: string, args: SelinuxEnforcingArgs, opts?: pulumi.CustomResourceOptions) {
    super("SelinuxEnforcing", name, args, ["mode", "configured", "bootMode"], [], opts);
  }
}
