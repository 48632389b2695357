import * as pulumi from "@pulumi/pulumi";
import { suppressStackTraces } from "../provider/engine/stack-trace.ts";
import type { Connection } from "../provider/host/connection.ts";
import { LibvirtService } from "../provider/resources/libvirt-service.ts";
import { LxcImage, type LxcImageArgs } from "../provider/resources/lxc-image.ts";
import { LxcStore } from "../provider/resources/lxc-store.ts";
import { SelinuxEnforcing } from "../provider/resources/selinux-enforcing.ts";
import { SelinuxPolicy } from "../provider/resources/selinux-policy.ts";

export interface LxcHostArgs {
  /** How the host is reached. Default: this machine. */
  connection?: Connection;
  /** Name of the NAT network. Default: svirt-lxc. */
  network?: string;
  /** IPv4 subnet of the NAT network. Default: 10.213.0.0/20, one address for each slot. */
  subnet?: string;
  /** Take over a NAT network of that name that someone else made, if it has that subnet. */
  adopt?: boolean;
  /** Have libvirt confine the LXC domains of others that have no SELinux label, too. */
  confineOthers?: boolean;
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
  readonly connection: Connection;
  readonly network: string;
  readonly subnet: string;

  constructor(name: string, args: LxcHostArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    const restore = suppressStackTraces();
    try {
      super("svirt-lxc:index:LxcHost", name, {}, opts);
    } finally {
      restore();
    }
    const { connection = {}, network = "svirt-lxc", subnet = DEFAULT_SUBNET, adopt, confineOthers } = args;
    this.connection = connection;
    this.network = network;
    this.subnet = subnet;

    const store = new LxcStore(name, { connection }, { parent: this });
    const enforcing = new SelinuxEnforcing(name, { connection }, { parent: this, dependsOn: store });
    const policy = new SelinuxPolicy(name, { connection }, { parent: this, dependsOn: enforcing });
    new LibvirtService(
      name,
      { connection, network, subnet, adopt, confineOthers },
      { parent: this, dependsOn: policy },
    );
    this.registerOutputs({});
  }

  /** A base root on this host. */
  image(name: string, args: Omit<LxcImageArgs, "connection" | "owner">, opts?: pulumi.CustomResourceOptions): LxcImage {
    const dependsOn = pulumi.output(opts?.dependsOn ?? []).apply((others) => [this, ...[others].flat()]);
    return new LxcImage(name, { ...args, connection: this.connection }, { ...opts, dependsOn });
  }
}
