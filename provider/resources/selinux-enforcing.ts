import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { Kind } from "../engine/kind.ts";
import { type Args, HostResource } from "../engine/resource.ts";
import { hostName } from "../host/connection.ts";
import { common } from "./common.ts";

const schema = z.strictObject({ ...common });
type Inputs = z.output<typeof schema>;

interface Observed {
  /** What the kernel does; "disabled" if it has no SELinux at all. */
  runtime: "enforcing" | "permissive" | "disabled";
  /** What the next boot does (selinux_config(5)). */
  configured: string;
}

interface Outputs {
  mode: string;
}

// Without selinuxfs the kernel booted without SELinux (selinux(8)).
const RUNTIME = "if [ -e /sys/fs/selinux/enforce ]; then cat /sys/fs/selinux/enforce; else echo disabled; fi";
// The first one counts (libselinux, selinux_getenforcemode).
const CONFIGURED = "sed -n 's/^SELINUX=//p' /etc/selinux/config 2>/dev/null | head -n 1";
const CONFIGURE = `
if grep -q '^SELINUX=' /etc/selinux/config; then sed -i 's/^SELINUX=.*/SELINUX=enforcing/' /etc/selinux/config
else echo SELINUX=enforcing >>/etc/selinux/config; fi`;

export const selinuxEnforcing: Kind<Inputs, Observed, Outputs> = {
  token: "SelinuxEnforcing",
  schema,
  hostName: ({ connection }) => hostName(connection),
  id: () => "selinux-enforcing",
  replaces: [],

  reads: () => [
    { key: "selinux-runtime", argv: ["sh", "-c", RUNTIME] },
    { key: "selinux-configured", argv: ["sh", "-c", CONFIGURED] },
  ],
  parse(results) {
    const enforce = results.get("selinux-runtime")!.stdout.trim();
    return {
      runtime: enforce === "1" ? "enforcing" : enforce === "0" ? "permissive" : "disabled",
      configured: results.get("selinux-configured")!.stdout.trim() || "unset",
    };
  },

  // The mode is a property of every host: there is always one to reconcile.
  exists: () => true,
  precondition({ runtime, configured }) {
    if (runtime !== "disabled") return undefined;
    return {
      code: "selinux-disabled",
      what: "SELinux is disabled: the kernel labels nothing, and no container could be confined",
      why: `no /sys/fs/selinux; /etc/selinux/config says ${configured}`,
      remedy:
        "install the policy (Debian: selinux-basics selinux-policy-default auditd, then selinux-activate), " +
        "boot with security=selinux, let the file systems be relabelled in permissive mode, then run this again",
    };
  },
  plan({ runtime, configured }) {
    return [
      ...(runtime === "enforcing"
        ? []
        : [{ id: "set-enforcing", title: "Switching SELinux to enforcing", argv: ["setenforce", "1"] }]),
      ...(configured === "enforcing"
        ? []
        : [
            {
              id: "configure-enforcing",
              title: "Configuring SELinux to enforce after the next boot",
              argv: ["sh", "-c", CONFIGURE],
            },
          ]),
    ];
  },
  // A host is not made less safe by taking a resource out of a program.
  remove: () => [],
  outputs: ({ runtime }) => ({ mode: runtime }),
  actualInputs: () => ({}),
};

export type SelinuxEnforcingArgs = Args<typeof schema>;

/**
 * The host enforces its SELinux policy, now and after a reboot. From permissive it is switched; a host with SELinux
 * disabled is an error that says what to do. Deleting it changes nothing on the host.
 */
export class SelinuxEnforcing extends HostResource {
  /** "enforcing" */
  declare readonly mode: pulumi.Output<string>;

  constructor(name: string, args: SelinuxEnforcingArgs, opts?: pulumi.CustomResourceOptions) {
    super("SelinuxEnforcing", name, args, ["mode"], [], opts);
  }
}
