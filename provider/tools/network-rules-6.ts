import { gateway6Of } from "./subnet6.ts";

/*
 * What the rules of a network (network-rules.ts) say of IPv6, where it has a subnet of it: the same as of IPv4.
 */

/** Sets and chains of the table. Packets of known connections do not come here. */
export function tableText6(bridge: string, subnet6: string): string {
  // A solicitation tells the host where its sender is, and the guest filter keeps the sender's address true. An advertisement names
  // an address besides, and must name the sender's own. Nobody but the host hears it: the ports of containers are isolated.
  return `	map containers6 {
		type ipv6_addr : verdict
	}
	set open6 {
		type ipv6_addr
	}
	set neighbours {
		type ipv6_addr . ipv6_addr
	}
	chain to-host-6 {
		icmpv6 type nd-neighbor-solicit accept
		icmpv6 type nd-neighbor-advert ip6 saddr . icmpv6 taddr @neighbours accept
		ip6 saddr != ${subnet6} drop
		ip6 saddr vmap @containers6
		ip6 daddr ${gateway6Of(subnet6)} meta l4proto { tcp, udp } th dport 53 accept
		ip6 daddr ${gateway6Of(subnet6)} icmpv6 type echo-request accept
		meta l4proto tcp reject with tcp reset
		reject
	}
	chain to-others-6 {
		ip6 saddr != ${subnet6} drop
		ip6 saddr vmap @containers6
		oifname != "${bridge}" accept
		meta l4proto tcp reject with tcp reset
		reject
	}
`;
}

/** Elements of one container: the rules that it has are those of its chain, for IPv4 as for IPv6. */
export function containerText6(
  name: string,
  addresses: { own: string; linkLocal: string },
  isolated: boolean,
): string[] {
  const { own, linkLocal } = addresses;
  const both = [own, linkLocal];
  const pairs = both.flatMap((source) => both.map((target) => `${source} . ${target}`));
  return [
    "	map containers6 {",
    "		type ipv6_addr : verdict",
    `		elements = { ${own} : jump from-${name} }`,
    "	}",
    "	set neighbours {",
    "		type ipv6_addr . ipv6_addr",
    `		elements = { ${pairs.join(", ")} }`,
    "	}",
    ...(isolated ? [] : ["	set open6 {", "		type ipv6_addr", `		elements = { ${own} }`, "	}"]),
  ];
}
