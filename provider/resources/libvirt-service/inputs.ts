import { z } from "zod";
import type { Args } from "../../engine/resource.ts";
import { domainOf, gatewayOf, isCanonical, type NetworkInfo } from "../../tools/network.ts";
import type { GuardedNetwork } from "../../tools/network-rules.ts";
import { subnet6Schema } from "../../tools/subnet6.ts";
import { adopt, common, retain } from "../common.ts";

export const schema = z.strictObject({
  ...common,
  retain,
  adopt,
  /** Have libvirt confine the LXC domains of others that have no SELinux label, too. Without, the first use of a host that has such is refused. */
  confineOthers: z.boolean().default(false),
  /** Name of the NAT network, and of its bridge. */
  network: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,14}$/, "must be 1 to 15 lower-case letters, digits and hyphens (it names a bridge)")
    .default("svirt-lxc"),
  /** IPv4 subnet of the network; the host has its first address, containers have the third and on. */
  subnet: z
    .cidrv4({ error: "must be an IPv4 subnet such as 10.213.0.0/20", abort: true })
    .refine((s) => Number(s.split("/")[1]) <= 29 && Number(s.split("/")[1]) >= 16, {
      error: "must be between /16 and /29",
      abort: true,
    })
    .refine(isCanonical, "must be the subnet's own address, such as 10.213.0.0/20")
    .default("10.213.0.0/20"),
  /** Unique-local IPv6 subnet of the network, of 64 bits, such as fd42:1:2:3::/64. Without it, containers have no IPv6. */
  subnet6: subnet6Schema.optional(),
  /** What the host's packet filter does for the network. It has no other value; a refresh puts here what it found, so that a preview names it. */
  firewall: z.literal("ready", 'can only be "ready"').default("ready"),
});
export type Inputs = z.output<typeof schema>;

export type LibvirtServiceArgs = Args<typeof schema>;

/** What a stack wants of libvirt. */
export const claimSchema = z.object({
  network: z.string(),
  subnet: z.string(),
  subnet6: z.string().optional(),
  /** It stays when its stack goes. */
  retain: z.boolean().optional(),
});
export type Claim = z.infer<typeof claimSchema>;

export const CLAIM = "libvirt";

/** How containers reach the outside. */
const FORWARD = "nat";

/** What defines a network. */
export type Definition = Pick<NetworkInfo, "subnet" | "subnet6" | "forward" | "nat6" | "domain" | "reservedOnly">;

/** What of a network cannot be changed while it runs. */
export function definitionOf({ subnet, subnet6, forward, nat6, domain, reservedOnly }: Definition): Definition {
  return { subnet, subnet6, forward, nat6, domain, reservedOnly };
}

type Subnets = Pick<Inputs, "network" | "subnet" | "subnet6">;

/** The network as the rules of what containers may reach know it. */
export function guardedNetwork({ network, subnet, subnet6 }: Subnets, bridge: string): GuardedNetwork {
  return { network, bridge, subnet, gateway: gatewayOf(subnet), subnet6 };
}

/** The definition that a network is to have. */
export function declared({ network, subnet, subnet6 }: Subnets): Definition {
  const ipv6 = subnet6 === undefined ? {} : { subnet6, nat6: true };
  return { subnet, ...ipv6, forward: FORWARD, domain: domainOf(network), reservedOnly: true };
}

/** As one text, for people and to compare. */
export function subnetsOf({ subnet, subnet6 }: Pick<Claim, "subnet" | "subnet6">): string {
  return subnet6 === undefined ? subnet : `${subnet} and ${subnet6}`;
}
