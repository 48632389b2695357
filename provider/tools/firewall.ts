import type { Outcome, Read } from "../host/batch.ts";
import type { Problem } from "../host/errors.ts";
import { type Chain, type Packet, parseRuleset, verdictsOf } from "./nftables.ts";
import { gateway6Of } from "./subnet6.ts";

/**
 * What a NAT network needs of the host's packet filter, which others use as well: rules of libvirt's own for it, and that no
 * rule of somebody else drops what they let through. With nftables, every table has its say: one that drops is enough.
 */
export interface FirewallState {
  /** What is ours and is not there: "forward", "masquerade", … LibvirtService adds what is no rule of libvirt's. */
  missing: string[];
  /** What is someone else's and surely drops what containers need. */
  blocks: Block[];
}

/** What of this libvirt writes anew when it is restarted. */
export const LIBVIRTS: readonly string[] = [
  ...["forward", "masquerade", "input", "guest-rules"],
  ...["forward-ipv6", "masquerade-ipv6", "input-ipv6"],
];

/** A base chain that drops what a container needs. */
export interface Block {
  need: "dhcp" | "dns" | "forward";
  /** "inet filter" */
  table: string;
  chain: string;
  /** Whose chain it is, as far as that tells how it is changed. */
  tool: "ufw" | "docker" | "firewalld" | "iptables" | "nft";
}

/** The network that is asked for. */
export interface FilteredNetwork {
  bridge: string;
  subnet: string;
  gateway: string;
  /** Of IPv6, if it has one. */
  subnet6?: string;
  /** It runs: libvirt has written its rules. */
  active: boolean;
  /** The host's ends of interfaces for which libvirt has written the rules of a filter. */
  filtered: readonly string[];
}

// The files are read by the shell itself, which costs no process. Without nft there is no ruleset that could be judged.
const FIREWALL = `
lines() {
  [ ! -r "$2" ] || while read -r line || [ -n "$line" ]; do
    case $line in '#'*) ;; *) printf '%s %s\\n' "$1" "$line";; esac
  done <"$2"
}
lines @forwarding /proc/sys/net/ipv4/ip_forward
lines @forwarding6 /proc/sys/net/ipv6/conf/all/forwarding
lines @route /proc/net/route
lines @legacy /proc/net/ip_tables_names
lines @legacy6 /proc/net/ip6_tables_names
[ ! -e /sys/module/ebtable_nat ] || echo '@legacy bridge'
lines @conf /etc/libvirt/network.conf
command -v nft >/dev/null || exit 0
echo @ruleset
nft -s -t list ruleset
`;

/** Volatile: others, such as container engines, change their rules all the time. */
export const firewallRead: Read = { key: "firewall", argv: ["sh", "-c", FIREWALL], volatile: true };

/** What of the network's needs is not met. Without a ruleset, nothing is said to be missing. */
export function parseFirewall(outcome: Outcome, network: FilteredNetwork): FirewallState {
  const [head = "", ruleset] = outcome.stdout.split(/^@ruleset\n/m);
  const said = (key: string) => [...head.matchAll(new RegExp(`^@${key} (.*)$`, "gm"))].map(([, line]) => line!);
  const forwarding = [
    ...(said("forwarding")[0] === "0" && network.active ? ["forwarding"] : []),
    ...(said("forwarding6")[0] === "0" && network.active && network.subnet6 ? ["forwarding-ipv6"] : []),
  ];
  if (ruleset === undefined) return { missing: forwarding, blocks: [] };
  const chains = parseRuleset(ruleset);
  const uplinks = said("route")
    .map((line) => line.split(/\s+/))
    .filter(([, destination]) => destination === "00000000");
  const packets = packetsOf(
    network,
    uplinks.map(([name]) => name!),
  );

  const [backend] = said("conf").flatMap((line) => /^\s*firewall_backend\s*=\s*"(\w+)"/.exec(line)?.[1] ?? []);
  const usesNftables = backend === "nftables";
  // The rules of an iptables of the old kind are in no ruleset, and libvirt may have been told to make none.
  const isElsewhere = (family: "ip" | "ip6", legacy: string) =>
    !chains.some((chain) => isOwn(chain) && chain.table.startsWith(`${family} `)) && said(legacy).includes("nat");
  const isMade = network.active && /^(iptables|nftables)$/.test(backend ?? "iptables");
  const isVisible = isMade && !isElsewhere("ip", "legacy");
  const rules = isVisible ? missingRules(chains, packetsOf(network, []), usesNftables) : [];
  const rules6 = isMade && !isElsewhere("ip6", "legacy6") ? missingRules6(chains, network, usesNftables) : [];
  // Filters of interfaces are made by ebtables, whatever the networks are made by.
  const isFiltered = said("legacy").includes("bridge") || network.filtered.every((port) => hasFilter(chains, port));

  const isWritten = network.active && rules.length === 0;
  // libvirt puts its own rules first in the tables of iptables, and the bridge into a zone of firewalld: before, these cannot be judged.
  const isUndecided = ({ table }: Chain) =>
    !isWritten && (table === "inet firewalld" || (table === "ip filter" && !usesNftables));
  const others = chains.filter((chain) => !isOwn(chain) && !isOurs(chain) && !isUndecided(chain));
  const filters = isFiltered ? [] : ["guest-rules"];
  return { missing: [...forwarding, ...rules, ...rules6, ...filters], blocks: blocksOf(chains, others, packets) };
}

/** Does what comes from an interface go through the chain that libvirt made of its filter? */
function hasFilter(chains: Chain[], port: string): boolean {
  const ofBridge = chains.filter(({ table }) => table === "bridge nat");
  const isCalled = ofBridge.some(
    ({ hook, rules }) =>
      hook === "prerouting" && rules.some((rule) => rule.includes(`"${port}"`) && rule.includes(`libvirt-I-${port}`)),
  );
  return isCalled && ofBridge.some(({ name, rules }) => name === `libvirt-I-${port}` && rules.length > 0);
}

/** Our own, which let through what is needed (network-rules.ts). */
function isOurs({ table }: Chain): boolean {
  return table.startsWith("inet svirt-lxc.");
}

/** The chains that libvirt makes for its networks. */
function isOwn({ table, name }: Chain): boolean {
  return /^ip6? libvirt_network$/.test(table) || (/^ip6? (filter|nat)$/.test(table) && name.startsWith("LIBVIRT_"));
}

type Wires = Pick<FilteredNetwork, "bridge" | "subnet" | "gateway">;
type Packets = Record<"discover" | "query" | "out" | "back", Packet>;

/** What containers send, and get back: any address outside, any port, by these interfaces or, if there are none, by any but the bridge. */
function packetsOf({ bridge, subnet, gateway }: Wires, uplinks: string[]): Packets {
  const outside = uplinks.length > 0 ? uplinks : [`!${bridge}`];
  const asked = { iif: [bridge], oif: [], protocols: ["udp"], state: "new" as const };
  const passing = { protocols: ["tcp", "udp"], destinationType: "unicast" as const };
  return {
    discover: {
      ...asked,
      source: "0.0.0.0",
      destination: "255.255.255.255",
      sport: "68",
      dport: "67",
      destinationType: "broadcast",
    },
    query: { ...asked, source: subnet, destination: gateway, dport: "53", destinationType: "local" },
    out: { ...passing, iif: [bridge], oif: outside, source: subnet, state: "new" },
    back: { ...passing, iif: outside, oif: [bridge], destination: subnet, state: "established" },
  };
}

/** Which of libvirt's own rules do not do, or are not come to. With its nftables backend, libvirt makes none for input. */
function missingRules(chains: Chain[], { discover, query, out, back }: Packets, usesNftables: boolean): string[] {
  const { does, isNftables } = ownRules(chains, "ip", usesNftables);
  return [
    ...(does("forward", out, "accept") && does("forward", back, "accept") ? [] : ["forward"]),
    ...(does("postrouting", out, "masquerade") ? [] : ["masquerade"]),
    ...(isNftables || (does("input", discover, "accept") && does("input", query, "accept")) ? [] : ["input"]),
  ];
}

/** The same of IPv6. */
function missingRules6(chains: Chain[], { bridge, subnet6 }: FilteredNetwork, usesNftables: boolean): string[] {
  if (subnet6 === undefined) return [];
  const { does, isNftables } = ownRules(chains, "ip6", usesNftables);
  const gateway = gateway6Of(subnet6);
  const { query, out, back } = packetsOf({ bridge, subnet: subnet6, gateway }, []);
  const [query6, out6, back6] = [query, out, back].map((packet): Packet => ({ ...packet, family: "ipv6" }));
  return [
    ...(does("forward", out6!, "accept") && does("forward", back6!, "accept") ? [] : ["forward-ipv6"]),
    ...(does("postrouting", out6!, "masquerade") ? [] : ["masquerade-ipv6"]),
    ...(isNftables || does("input", query6!, "accept") ? [] : ["input-ipv6"]),
  ];
}

/** What libvirt's own rules of one family do with a packet. */
function ownRules(chains: Chain[], family: "ip" | "ip6", usesNftables: boolean) {
  const own = `${family} libvirt_network`;
  const isNftables = usesNftables || chains.some((c) => c.table === own && c.rules.length > 0);
  const tables = isNftables ? [own] : [`${family} filter`, `${family} nat`];
  const wayTo = (hook: string) =>
    chains
      .filter((chain) => chain.hook === hook && chain.type === (hook === "postrouting" ? "nat" : "filter"))
      .filter(({ table }) => tables.includes(table))
      .map((chain): Chain => (isOwn(chain) ? chain : { ...chain, rules: chain.rules.filter(callsOwn) }));
  const does = (hook: string, packet: Packet, verdict: "accept" | "masquerade") =>
    wayTo(hook).some((chain) => verdictsOf(chains, { ...chain, policy: "continue" }, packet).has(verdict));
  return { does, isNftables };
}

function callsOwn(rule: unknown[]): boolean {
  return rule.some((word) => typeof word === "string" && word.startsWith("LIBVIRT_"));
}

function blocksOf(all: Chain[], others: Chain[], { discover, query, out, back }: Packets): Block[] {
  // What libvirt itself refuses is nobody else's doing: the network may be for one interface only.
  const chains = all.map((c) => (isOwn(c) ? { ...c, rules: c.rules.filter((rule) => !rule.includes("reject")) } : c));
  const asks: [need: Block["need"], hook: string, packets: Packet[]][] = [
    ["dhcp", "input", [discover]],
    ["dns", "input", [query]],
    ["forward", "forward", [out, back]],
  ];
  return asks.flatMap(([need, hook, packets]) =>
    others
      .filter((chain) => chain.hook === hook && chain.type === "filter" && /^(ip|inet) /.test(chain.table))
      .filter((chain) => packets.some((packet) => isDropped(chains, chain, packet)))
      .map((chain) => ({ need, table: chain.table, chain: chain.name, tool: toolOf(chains, chain, need) })),
  );
}

/** For certain: there is no other way that it could go. */
function isDropped(chains: Chain[], chain: Chain, packet: Packet): boolean {
  const verdicts = verdictsOf(chains, chain, packet);
  return verdicts.size === 1 && verdicts.has("drop");
}

function toolOf(chains: Chain[], { table, name }: Chain, need: Block["need"]): Block["tool"] {
  const has = (other: string) => chains.some((c) => c.table === table && c.name === other);
  if (table === "inet firewalld") return "firewalld";
  if (has("ufw-user-input")) return "ufw";
  if (has("DOCKER-USER") && need === "forward") return "docker";
  return table === "ip filter" && name === name.toUpperCase() ? "iptables" : "nft";
}

/** What a refresh says of it. */
export function firewallText({ missing, blocks }: FirewallState): string {
  const dropped = blocks.map(({ need, table, chain }) => `${need} dropped by ${table} ${chain}`);
  const gone = missing.length > 0 ? [`missing: ${missing.join(", ")}`] : [];
  return [...gone, ...dropped].join("; ") || "ready";
}

const LOSSES: Readonly<Record<Block["need"], string>> = {
  dhcp: "containers would get no address",
  dns: "containers would find no names",
  forward: "containers would reach nothing outside of the host",
};

/** Why a network must not be made, or used: it is for the owner of those rules to open the way. */
export function firewallProblem({ blocks }: FirewallState, bridge: string): Problem | undefined {
  const [first] = blocks;
  if (!first) return undefined;
  const traffic = { dhcp: "DHCP", dns: "DNS", forward: "forwarded traffic" };
  const why = blocks.map(
    ({ need, table, chain }) => `the chain ${chain} of the table ${table} drops ${traffic[need]} of ${bridge}`,
  );
  const commands = blocks.flatMap((block) => opening(block, bridge));
  return {
    code: `firewall-blocks-${first.need}`,
    what: `the host's firewall is in the way: ${LOSSES[first.need]}`,
    why: why.join("\n"),
    remedy:
      "open it for the bridge, where these rules are kept, and run the same command again; until the next boot:\n" +
      [...new Set(commands)].join("\n"),
  };
}

/** The commands that let through what a chain drops. */
function opening({ need, table, chain, tool }: Block, bridge: string): string[] {
  const established = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
  if (tool === "firewalld")
    return [`firewall-cmd --permanent --zone=libvirt --add-interface=${bridge}`, "firewall-cmd --reload"];
  if (tool === "ufw") {
    if (need === "forward") return [`ufw route allow in on ${bridge}`];
    return [`ufw allow in on ${bridge} to any port ${need === "dhcp" ? "67 proto udp" : "53"}`];
  }
  if (tool === "nft") {
    const rule = (text: string) => `nft insert rule ${table} ${chain} ${text}`;
    if (need === "forward")
      return [rule(`iifname ${bridge} accept`), rule(`oifname ${bridge} ct state established,related accept`)];
    return [
      rule(`iifname ${bridge} ${need === "dhcp" ? "udp dport 67" : "meta l4proto '{ tcp, udp }' th dport 53"} accept`),
    ];
  }
  const first = `iptables -I ${tool === "docker" ? "DOCKER-USER" : chain}`;
  if (need === "forward") return [`${first} -i ${bridge} -j ACCEPT`, `${first} -o ${bridge} ${established}`];
  const protocols = need === "dhcp" ? ["udp"] : ["udp", "tcp"];
  return protocols.map((p) => `${first} -i ${bridge} -p ${p} --dport ${need === "dhcp" ? 67 : 53} -j ACCEPT`);
}
