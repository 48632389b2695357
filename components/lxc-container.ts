import * as pulumi from "@pulumi/pulumi";
import { suppressStackTraces } from "../provider/engine/stack-trace.ts";
import { LIMITS, type LimitName } from "../provider/limits/index.ts";
import { LxcDomain, type LxcDomainArgs } from "../provider/resources/lxc-domain/index.ts";
import type { LxcImage } from "../provider/resources/lxc-image.ts";
import { LxcRootfs, type LxcRootfsArgs } from "../provider/resources/lxc-rootfs/index.ts";
import { addressOf, capacityOf, domainOf, gatewayOf } from "../provider/tools/network.ts";
import { type ReachName, reachInputs } from "../provider/tools/network-rules.ts";
import { address6Of } from "../provider/tools/subnet6.ts";
import type { Command } from "./command.ts";
import type { LxcHost } from "./lxc-host.ts";
import { type ProvisionCommand, provision } from "./provision.ts";

export interface LxcContainerArgs
  extends Omit<
      LxcRootfsArgs,
      "connection" | "owner" | "machineId" | "name" | "image" | "nameserver" | "domain" | "subnet6"
    >,
    Pick<LxcDomainArgs, LimitName | ReachName | "restart"> {
  host: LxcHost;
  /** Name on the host. Default: the name of the resource. Keep it when you rename the resource with an alias. */
  name?: pulumi.Input<string>;
  /** The base root, on the same host. */
  image: LxcImage;
  /** Containers of its network, or their addresses, to which it may open connections. Default: none. */
  talksTo?: readonly (LxcContainer | pulumi.Input<string | readonly string[]>)[];
  /**
   * Commands that are run in it over ssh, through the host, once it is up. One that changed is run again, and so are those after
   * it; all are when its root is made anew. They need a key among `authorizedKeys` that logs in without a prompt.
   *
   * @example
   * ["apt-get update", { run: "passwd-from-stdin", stdin: config.requireSecret("password") }]
   */
  provision?: readonly (string | ProvisionCommand)[];
  /** Files of private keys that log in for `provision`, relative to the project's folder, besides those that ssh finds by itself. */
  identities?: pulumi.Input<string[]>;
}

const SSH_PORT = 22;

/**
 * A system container: its root, and the domain that runs on it, proven confined.
 *
 * @example
 * new LxcContainer("web", { host, image: base, memory: "512MiB", authorizedKeys: ["ssh-ed25519 AAAA… me"] });
 */
export class LxcContainer extends pulumi.ComponentResource {
  readonly rootfs: LxcRootfs;
  readonly domain: LxcDomain;
  readonly address: pulumi.Output<string>;
  /** The same address, known as soon as it has a root: containers that talk to each other need not wait for each other. */
  readonly reservedAddress: pulumi.Output<string>;
  /** Its IPv6 address, if its host's network has a subnet of it. */
  readonly address6?: pulumi.Output<string>;
  /** Its addresses of both kinds, known as soon as it has a root. */
  readonly reservedAddresses: pulumi.Output<string[]>;
  /** The distinct labels of its processes, as read from the kernel. */
  readonly labels: pulumi.Output<string[]>;
  /** "confined", or what is wrong. */
  readonly verdict: pulumi.Output<string>;
  /** The public half of its ssh host key. */
  readonly hostKey: pulumi.Output<string>;
  /** The commands of `provision`, which others may depend on. */
  readonly provisioned: readonly Command[];

  constructor(name: string, args: LxcContainerArgs, opts?: pulumi.ComponentResourceOptions) {
    const restore = suppressStackTraces();
    try {
      super("svirt-lxc:index:LxcContainer", name, {}, opts);
    } finally {
      restore();
    }
    const { host, image, adopt, restart, name: hostName = name, identities, ...others } = args;
    const { provision: commands = [], talksTo = [], ...rest } = others;
    const { connection, network, subnet, subnet6 } = host;
    const { ofDomain, settings } = parted(rest);

    this.rootfs = new LxcRootfs(
      name,
      {
        ...settings,
        nameserver: gatewayOf(subnet),
        subnet6,
        domain: domainOf(network),
        adopt,
        connection,
        ...host.store.argsOf("LxcRootfs", name),
        name: hostName,
        image: image.sha256,
      },
      { parent: this, dependsOn: [host, image], retainOnDelete: opts?.retainOnDelete },
    );
    this.reservedAddress = pulumi
      .all([hostName, this.rootfs.slot])
      .apply(([nameOnHost, slot]) => reservedAddress(nameOnHost, subnet, slot));
    const reserved6 = subnet6 === undefined ? undefined : this.rootfs.slot.apply((slot) => address6Of(subnet6, slot));
    this.reservedAddresses = pulumi.all([this.reservedAddress, ...(reserved6 ? [reserved6] : [])]);
    this.domain = new LxcDomain(
      name,
      {
        connection,
        ...host.store.argsOf("LxcDomain", name),
        adopt,
        name: hostName,
        rootfs: this.rootfs.id,
        path: this.rootfs.path,
        label: this.rootfs.label,
        idmap: this.rootfs.idmap,
        revision: this.rootfs.revision,
        address: this.reservedAddress,
        address6: reserved6,
        network,
        ...ofDomain,
        talksTo: pulumi
          .all(talksTo.map((other) => pulumi.output(other instanceof LxcContainer ? other.reservedAddresses : other)))
          .apply((addresses) => addresses.flat()),
        restart,
        // Who gives keys wants to log in: it is up when sshd listens.
        awaitPort: pulumi
          .output(args.authorizedKeys)
          .apply((keys) => (keys?.length ? SSH_PORT : undefined)) as pulumi.Input<number>,
      },
      { parent: this, retainOnDelete: opts?.retainOnDelete },
    );
    this.address = this.domain.address;
    this.address6 = reserved6 && this.domain.address6.apply((address) => address!);
    this.labels = this.domain.labels;
    this.verdict = this.domain.verdict;
    this.hostKey = this.rootfs.hostKey;
    const { address, address6, hostKey } = this;
    const login = pulumi.output({ name: hostName, address, hostKey, connection, identities: identities ?? [] });
    this.provisioned = provision(name, { login, root: this.rootfs.id }, commands, { parent: this });
    this.registerOutputs({ address, address6, labels: this.labels, verdict: this.verdict, hostKey });
  }
}

/** The address of a slot. The slots are those of the host, and other stacks have some, perhaps in larger networks. */
function reservedAddress(name: string, subnet: string, slot: number): string {
  if (slot < capacityOf(subnet)) return addressOf(subnet, slot);
  throw new pulumi.RunError(
    `the network ${subnet} has no address for ${name}, which has slot ${slot} of its host, and addresses for ${capacityOf(subnet)}: ` +
      "give the host a larger subnet",
  );
}

/** What is the domain's among the arguments, and what the root's. */
function parted<A extends object>(args: A) {
  const isDomains = ([key]: [string, unknown]) => key in LIMITS || key in reachInputs;
  const entries = Object.entries(args);
  return {
    ofDomain: Object.fromEntries(entries.filter(isDomains)) as Pick<A, (LimitName | ReachName) & keyof A>,
    settings: Object.fromEntries(entries.filter((entry) => !isDomains(entry))) as Omit<A, LimitName | ReachName>,
  };
}
