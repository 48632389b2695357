import type { Read, Step } from "../host/batch.ts";
import { parseOnce } from "../host/parse-once.ts";
import { GUEST_FILTER } from "./guest-filter.ts";
import { gateway6Of } from "./subnet6.ts";
import { LIST_ALL, V, virsh } from "./virsh.ts";
import { elements, fromXml, toXml, value, type Xml } from "./xml.ts";

/** A NAT network of libvirt (https://libvirt.org/formatnetwork.html). */
export interface NetworkSpec {
  name: string;
  /** IPv4 subnet in CIDR notation; the host has its first address. */
  subnet: string;
  /** The same of IPv6, if it has one. */
  subnet6?: string;
}

/** An address that dnsmasq keeps for one MAC. */
export interface Reservation {
  mac: string;
  ip: string;
  /** Whose it is; someone else may have left it out. */
  name?: string;
}

export interface NetworkInfo extends NetworkSpec {
  bridge: string;
  active: boolean;
  autostart: boolean;
  owner?: string;
  /** How it reaches the outside: "nat" for ours, "none" if it does not. */
  forward: string;
  /** IPv6 does, too. */
  nat6?: boolean;
  /** The domain that its DNS server answers for alone. */
  domain?: string;
  /** Only who has a reservation gets an address. */
  reservedOnly: boolean;
  reservations: Reservation[];
}

const NAMESPACE = "urn:svirt-lxc:network:1";

/** What is stamped on our networks: they belong to all stacks that claim them. */
export const NETWORK_OWNER = "svirt-lxc";

/** The bridge is named after the network, as far as the kernel's 15 characters go. */
export function bridgeOf(network: string): string {
  return network.slice(0, 15);
}

// Else a container could ask for the address that the next container will get.
const RESERVED_ONLY = "dhcp-ignore=tag:!known";

/** How libvirt is to define it. */
export function networkXml(spec: NetworkSpec, owner: string, reservations: Reservation[] = []): string {
  const { first, last, mask } = parseSubnet(spec.subnet);
  return toXml({
    network: {
      "@xmlns:dnsmasq": "http://libvirt.org/schemas/network/dnsmasq/1.0",
      name: spec.name,
      metadata: { "svirt:owner": { "@xmlns:svirt": NAMESPACE, "#text": owner } },
      forward: { "@mode": "nat", ...(spec.subnet6 && { nat: { "@ipv6": "yes" } }) },
      bridge: { "@name": bridgeOf(spec.name), "@stp": "on", "@delay": "0" },
      domain: { "@name": domainOf(spec.name), "@localOnly": "yes" },
      ip: [
        {
          "@address": dotted(first),
          "@netmask": dotted(mask),
          dhcp: {
            range: { "@start": addressOf(spec.subnet, 0), "@end": dotted(last - 1) },
            host: reservations.filter((r) => isIn(spec.subnet, r.ip)).map(hostXml),
          },
        },
        ...(spec.subnet6 ? [{ "@family": "ipv6", "@address": gateway6Of(spec.subnet6), "@prefix": "64" }] : []),
      ],
      "dnsmasq:options": { "dnsmasq:option": { "@value": RESERVED_ONLY } },
    },
  });
}

// Before libvirt is installed there are none. virsh's own echo ends no line.
const NETWORKS = `
command -v virsh >/dev/null || exit 0
${LIST_ALL}
look() {
  all=$(v net-list --all --uuid) || return 1
  ask=
  for u in $all; do ask="$ask echo '@net '; net-info $u; echo '@xml '; net-dumpxml --inactive $u;"; done
  list_all "$all" "$ask" 1
}
retry
`;

export const networksRead: Read = { key: "networks", argv: ["sh", "-c", NETWORKS] };

/** The networks by name. */
export const parseNetworks = parseOnce(readNetworks);

function readNetworks(listed: string): Map<string, NetworkInfo> {
  const networks = new Map<string, NetworkInfo>();
  for (const part of listed.split(/^@net /m).slice(1)) {
    const [info = "", xml = ""] = part.split(/^@xml /m);
    const network = elements(fromXml(xml), "network")[0];
    const name = value(network, "name", "#text");
    if (!name) continue;
    const options = elements(network, "dnsmasq:options", "dnsmasq:option").map((option) => option["@value"]);
    const isLocal = value(network, "domain", "@localOnly") === "yes";
    const addresses = elements(network, "ip");
    const ipv4 = addresses.find((ip) => ip["@family"] !== "ipv6");
    const ipv6 = addresses.find((ip) => ip["@family"] === "ipv6");
    const says = (key: string) => new RegExp(`^${key}:\\s+yes`, "m").test(info);
    networks.set(name, {
      name,
      subnet: subnetOf(value(ipv4, "@address"), value(ipv4, "@netmask")),
      ...(ipv6 && { subnet6: `${String(ipv6["@address"]).replace(/::1$/, "::")}/${ipv6["@prefix"]}` }),
      bridge: value(network, "bridge", "@name") ?? bridgeOf(name),
      active: says("Active"),
      autostart: says("Autostart"),
      owner: value(network, "metadata", "svirt:owner", "#text"),
      forward: elements(network, "forward").map((f) => String(f["@mode"] ?? "nat"))[0] ?? "none",
      ...(value(network, "forward", "nat", "@ipv6") === "yes" && { nat6: true }),
      domain: isLocal ? value(network, "domain", "@name") : undefined,
      reservedOnly: options.includes(RESERVED_ONLY),
      reservations: elements(network, "ip", "dhcp", "host").map((h) => ({
        mac: String(h["@mac"]),
        ip: String(h["@ip"]),
        name: h["@name"] === undefined ? undefined : String(h["@name"]),
      })),
    });
  }
  return networks;
}

/** Marks a network as ours, as it runs (virsh net-metadata, libvirt 9.7). */
export function markNetwork(name: string): Step {
  const element = toXml({ owner: NETWORK_OWNER }).trim();
  const where = ["--uri", NAMESPACE, "--key", "svirt", "--set", element];
  return {
    id: "mark-network",
    title: `Marking the network ${name} as ours`,
    argv: virsh("net-metadata", name, ...where, "--config"),
  };
}

/**
 * libvirt makes the chains of its firewall rules once. When somebody has flushed them, it fails on each change of a network ("No
 * chain/target/match by that name"), and neither a reload nor the network's own restart makes them anew: only a restart of the
 * daemon does, which leaves containers alone. It is done with that when it answers. A unit that there is not is an error less.
 */
const REWRITE = `
rewrite() { systemctl try-restart libvirtd.service virtnetworkd.service virtnwfilterd.service 2>/dev/null; v net-list >/dev/null; }
changed() {
  said=$("$@" 2>&1) && return
  case $said in
  *'irewall command'*) rewrite && "$@";;
  *) printf '%s\\n' "$said" >&2; return 1;;
  esac
}`;

/** Has libvirt write the firewall rules of its networks anew. */
export const rewriteRules: Step = {
  id: "rewrite-firewall-rules",
  title: "Restarting libvirt, which writes its firewall rules anew",
  argv: ["sh", "-c", `${V}${REWRITE}\nrewrite`],
};

const FORWARDING = { IPv4: "ipv4/ip_forward", IPv6: "ipv6/conf/all/forwarding" };

/** Lets the kernel pass packets on, as libvirt does when it starts a network. */
export function enableForwarding(family: keyof typeof FORWARDING): Step {
  return {
    id: "enable-forwarding",
    subject: family,
    title: `Enabling the forwarding of ${family}`,
    argv: ["sh", "-c", `echo 1 >/proc/sys/net/${FORWARDING[family]}`],
  };
}

/** Starts a network. Running containers that it left out when it was stopped are put back into its bridge, on isolated ports if they had such. */
export function startNetwork(name: string): Step {
  return { id: "start-network", title: "Starting the network", argv: ["sh", "-c", START, "sh", name] };
}

const START = `
${V}${REWRITE}
changed v net-start "$1" || exit 1
bridge=$(v net-info "$1" | sed -n 's/^Bridge: *//p')
for u in $(v list --uuid); do v domiflist "$u"; done | while read -r interface _ source _; do
  [ "$source" = "$1" ] || continue
  ip link set "$interface" master "$bridge" || exit 1
  ! grep -qs "'${GUEST_FILTER}" "/run/libvirt/nwfilter-binding/$interface.xml" ||
    ip link set "$interface" type bridge_slave isolated on || exit 1
done
`;

/** Reserves an address, at once and for good. */
export function reserve(network: string, reservation: Reservation): Step {
  return {
    id: "reserve-address",
    subject: reservation.ip,
    title: `Reserving the address ${reservation.ip}`,
    argv: updateHost("add-last", network, reservation),
  };
}

export function release(network: string, reservation: Reservation): Step {
  return {
    id: "release-address",
    subject: reservation.ip,
    title: `Releasing the address ${reservation.ip}`,
    argv: updateHost("delete", network, reservation),
  };
}

function updateHost(command: "add-last" | "delete", network: string, reservation: Reservation): string[] {
  const xml = toXml({ host: hostXml(reservation) }).trim();
  return ["sh", "-c", UPDATE, "sh", network, command, xml];
}

// A network that is stopped can be changed for its next start only.
const UPDATE = `
${V}${REWRITE}
v net-info "$1" | grep -q '^Active: *yes' && live=--live || live=
changed v net-update "$1" "$2" ip-dhcp-host "$3" --config $live
`;

function hostXml({ mac, ip, name }: Reservation): Xml {
  return { "@mac": mac, "@name": name, "@ip": ip };
}

/** Is the subnet written with its first address, as 10.213.0.0/20 is and 10.213.0.5/20 is not? */
export function isCanonical(subnet: string): boolean {
  return dotted(parseSubnet(subnet).first - 1) === subnet.split("/")[0];
}

function isIn(subnet: string, address: string): boolean {
  const { first, last } = parseSubnet(subnet);
  const number = toNumber(address);
  return number >= first && number < last;
}

/** The domain of a network's containers. ICANN keeps .internal for private use; dnsmasq asks no other server for it. */
export function domainOf(network: string): string {
  return `${network}.internal`;
}

/** The host's own address. */
export function gatewayOf(subnet: string): string {
  return dotted(parseSubnet(subnet).first);
}

/** The address of a slot: the second of the subnet and on. */
export function addressOf(subnet: string, slot: number): string {
  if (slot >= capacityOf(subnet))
    throw new RangeError(`the network ${subnet} has ${capacityOf(subnet)} addresses, and none for slot ${slot}`);
  return dotted(parseSubnet(subnet).first + 1 + slot);
}

/** How many slots have an address. */
export function capacityOf(subnet: string): number {
  return 2 ** (32 - parseSubnet(subnet).bits) - 3;
}

function parseSubnet(subnet: string): { first: number; last: number; mask: number; bits: number } {
  const [address = "", length] = subnet.split("/");
  const bits = Number(length);
  const mask = (2 ** 32 - 2 ** (32 - bits)) >>> 0;
  const network = (toNumber(address) & mask) >>> 0;
  return { first: network + 1, last: network + 2 ** (32 - bits) - 1, mask, bits };
}

function subnetOf(address = "0.0.0.0", netmask = "255.255.255.255"): string {
  const bits = toNumber(netmask).toString(2).replaceAll("0", "").length;
  return `${dotted((toNumber(address) & toNumber(netmask)) >>> 0)}/${bits}`;
}

function toNumber(dots: string): number {
  return dots.split(".").reduce((n, octet) => n * 256 + Number(octet), 0);
}

function dotted(n: number): string {
  return [24, 16, 8, 0].map((shift) => (n >>> shift) & 255).join(".");
}
