import * as pulumi from "@pulumi/pulumi";
import { suppressStackTraces } from "../provider/engine/stack-trace.ts";
import type { Connection, ConnectionArgs } from "../provider/host/connection.ts";
import { LibvirtService } from "../provider/resources/libvirt-service/index.ts";
import { LxcImage, type LxcImageArgs } from "../provider/resources/lxc-image.ts";
import { LxcStore } from "../provider/resources/lxc-store.ts";
import { SelinuxEnforcing, type SelinuxEnforcingArgs } from "../provider/resources/selinux-enforcing.ts";
import { SelinuxPolicy } from "../provider/resources/selinux-policy.ts";
import { upgradeHost } from "./upgrade.ts";

export interface LxcHostArgs {
  /** How the host is reached: also outputs of what makes it in the same program. Default: this machine. */
  connection?: pulumi.Input<ConnectionArgs>;
  /** Name of the NAT network. Default: svirt-lxc. */
  network?: string;
  /** IPv4 subnet of the NAT network. Default: 10.213.0.0/20, one address for each slot. */
  subnet?: string;
  /**
   * Unique-local IPv6 subnet of the NAT network, of 64 bits, such as "fd42:1:2:3::/64": its containers have an address in it
   * besides. Those that run are restarted when it changes. Default: none, and no IPv6 leaves a container.
   */
  subnet6?: string;
  /** Take over a NAT network of that name that someone else made, if it is defined as ours would be. */
  adopt?: boolean;
  /** Have libvirt confine the LXC domains of others that have no SELinux label, too. */
  confineOthers?: boolean;
  /** Upgrade the packages of the host, before anything else is done there, and again whenever this text changes, such as "2026-11". */
  upgrade?: pulumi.Input<string>;
  /** "allowed": restart the host where SELinux cannot be made to enforce otherwise. Default: "refused". */
  reboot?: SelinuxEnforcingArgs["reboot"];
  /** Install what explains SELinux's denials; errors then quote it. */
  troubleshooting?: boolean;
}

/** The subnet of a host's network, if none is given. */
const DEFAULT_SUBNET = "10.213.0.0/20";

/**
 * A host that can hold confined containers: our records, SELinux enforcing, our policy, libvirt with its network.
 *
 * @example
 * const host = new LxcHost("alpha", { connection: { ssh: "root@alpha.example.net" } });
 * const base = host.image("base", { archive: "images/base.tar" });
 */
export class LxcHost extends pulumi.ComponentResource {
  readonly connection: pulumi.Output<Connection>;
  readonly network: string;
  readonly subnet: string;
  readonly subnet6?: string;
  /** Its first resource: the others take their owner from it. */
  readonly store: LxcStore;
  /** Whether the host needed a reboot after the last upgrade; undefined without one. */
  readonly needsReboot?: pulumi.Output<boolean>;
  /** The public half of the key with which it signs what is found of its containers. */
  readonly evidenceKey: pulumi.Output<string>;

  constructor(name: string, args: LxcHostArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    const restore = suppressStackTraces();
    try {
      super("svirt-lxc:index:LxcHost", name, {}, opts);
    } finally {
      restore();
    }
    const {
      network = "svirt-lxc",
      subnet = DEFAULT_SUBNET,
      subnet6,
      adopt,
      confineOthers,
      upgrade,
      reboot,
      troubleshooting,
    } = args;
    const connection = pulumi.output(args.connection ?? {});
    this.connection = connection;
    this.network = network;
    this.subnet = subnet;
    this.subnet6 = subnet6;

    this.store = new LxcStore(name, { connection }, { parent: this });
    const common = (kind: string) => ({ connection, ...this.store.argsOf(kind, name) });
    const upgraded =
      upgrade === undefined
        ? undefined
        : upgradeHost(name, { connection, machine: this.store.machine, trigger: upgrade }, { parent: this });
    this.needsReboot = upgraded?.needsReboot;
    const enforcing = new SelinuxEnforcing(
      name,
      { ...common("SelinuxEnforcing"), reboot, troubleshooting },
      { parent: this, dependsOn: [this.store, ...(upgraded ? [upgraded.command] : [])] },
    );
    const policy = new SelinuxPolicy(name, common("SelinuxPolicy"), { parent: this, dependsOn: enforcing });
    const libvirt = new LibvirtService(
      name,
      { ...common("LibvirtService"), network, subnet, subnet6, adopt, confineOthers },
      { parent: this, dependsOn: policy },
    );
    this.evidenceKey = libvirt.evidenceKey;
    this.registerOutputs({});
  }

  /** A base root on this host. */
  image(
    name: string,
    args: Omit<LxcImageArgs, "connection" | "owner" | "machineId">,
    opts?: pulumi.CustomResourceOptions,
  ): LxcImage {
    const dependsOn = pulumi.output(opts?.dependsOn ?? []).apply((others) => [this, ...[others].flat()]);
    const common = { connection: this.connection, ...this.store.argsOf("LxcImage", name) };
    return new LxcImage(name, { ...args, ...common }, { ...opts, dependsOn });
  }
}
