import { z } from "zod";
import type { Read, Step } from "../host/batch.ts";
import { parseOnce } from "../host/parse-once.ts";
import { PUT, STORE } from "../host/records.ts";
import { WRITE_CONFIG } from "./config-file.ts";
import { macOf } from "./domain-xml.ts";
import { GUEST_FILTER, GUEST_FILTER_6, guestFilterFile } from "./guest-filter.ts";
import { containerText6, tableText6 } from "./network-rules-6.ts";
import { RELOAD_UNITS } from "./reload-units.ts";
import { linkLocalOf } from "./subnet6.ts";

/*
 * What containers may reach within their host: a table of nftables for each network, before the rules of others. No container's
 * frames go to another one directly (its port is isolated), so the host's packet filter sees all that they send.
 *
 *   networks/NETWORK/rules.nft             the table
 *   networks/NETWORK/containers/NAME.nft   what one container may reach besides, and how much
 *   networks/NETWORK/load                  loads both, in one transaction
 *   networks/NETWORK/loaded                what was loaded last, and how nft then lists the table
 */

/** What a container may reach, as inputs. All of it can be changed while it runs. */
export const reachInputs = {
  isolated: z
    .boolean()
    .default(true)
    .describe(
      "Whether other containers of its network are out of its reach, and it of theirs, but for what `talksTo` says. Containers that are not isolated reach each other. Default: true.",
    ),
  hostPorts: z
    .array(
      z.string().refine((text) => {
        const [, port] = /^(?:tcp|udp)\/([1-9]\d{0,4})$/.exec(text) ?? [];
        return port !== undefined && Number(port) <= 65535;
      }, "must be a protocol and a port, such as tcp/5432"),
    )
    .default([])
    .describe(
      'Ports of its host that it may reach, on every address that the host has, such as "tcp/5432". Without, it reaches DHCP and DNS of its network there, can ping the gateway, and nothing else. Default: none.',
    ),
  connections: z
    .int()
    .min(64, "must be 64 or more")
    .max(1_000_000)
    .default(4096)
    .describe(
      "Most connections that it may have open to others at a time, which the host's kernel has to keep in mind. Default: 4096.",
    ),
};

export type ReachName = keyof typeof reachInputs;

/** The network that is guarded. */
export interface GuardedNetwork {
  network: string;
  bridge: string;
  subnet: string;
  gateway: string;
  /** Of IPv6. Without, all of it is refused. */
  subnet6?: string;
}

/** What a container may reach within its host. */
export interface ContainerRules {
  /** Its address. */
  address: string;
  /** That of IPv6, if it has one. */
  address6?: string;
  /** Others reach it, and it reaches them, only as said. Two that are not isolated reach each other. */
  isolated: boolean;
  /** Ports of the host, such as "tcp/5432". */
  hostPorts: string[];
  /** Addresses, of IPv4 and IPv6, of the containers to which it may open connections. */
  talksTo: string[];
  /** Most connections that it may have at a time. */
  connections: number;
}

const tableOf = (network: string) => `svirt-lxc.${network}`;
const unitOf = (network: string) => `svirt-lxc-network-${network}.service`;
const unitFile = (network: string) => `/etc/systemd/system/${unitOf(network)}`;
const dropIn = (network: string) => `/etc/systemd/system/nftables.service.d/svirt-lxc.${network}.conf`;
const sysctlFile = (network: string) => `/etc/sysctl.d/svirt-lxc.${network}.conf`;
const folderOf = (network: string) => `${STORE}/networks/${network}`;
const containerFile = (network: string, name: string) => `${folderOf(network)}/containers/${name}.nft`;

// It comes before the chains of others: what is dropped here is dropped; what is accepted, they may still drop. Where there is no
// IPv6, the guest filter lets none through; here it is refused to those that started without. TCP is reset, since the kernel sends
// only one error of ICMP a second. "redirect": the kernel would tell containers of one subnet that they reach each other directly.
// "nd-router-advert": libvirt's DNS server advertises each subnet of IPv6, for others to choose addresses that they may not have.
const tableText = ({ network, bridge, subnet, gateway, subnet6 }: GuardedNetwork) => `table inet ${tableOf(network)}
delete table inet ${tableOf(network)}
table inet ${tableOf(network)} {
	map containers {
		type ipv4_addr : verdict
	}
	set open {
		type ipv4_addr
	}
	chain input {
		type filter hook input priority filter - 10; policy accept;
		iifname "${bridge}" goto to-host
	}
	chain forward {
		type filter hook forward priority filter - 10; policy accept;
		iifname "${bridge}" goto to-others
	}
	chain output {
		type filter hook output priority filter - 10; policy accept;
		oifname "${bridge}" icmp type redirect drop
${subnet6 ? `		oifname "${bridge}" icmpv6 type { nd-router-advert, nd-redirect } drop\n` : ""}	}
	chain to-host {
		ct state established,related accept
		meta nfproto ipv4 udp sport 68 udp dport 67 accept
		meta nfproto != ipv4 ${subnet6 ? "goto to-host-6" : "drop"}
		ip saddr != ${subnet} drop
		ip saddr vmap @containers
		ip daddr ${gateway} meta l4proto { tcp, udp } th dport 53 accept
		ip daddr ${gateway} icmp type echo-request accept
		meta l4proto tcp reject with tcp reset
		reject
	}
	chain to-others {
		ct state established,related accept
		meta nfproto != ipv4 ${subnet6 ? "goto to-others-6" : "drop"}
		ip saddr != ${subnet} drop
		ip saddr vmap @containers
		oifname != "${bridge}" accept
		meta l4proto tcp reject with tcp reset
		reject
	}
${subnet6 ? tableText6(bridge, subnet6) : ""}}
`;

/** The rules of one container, as its file holds them. */
export function containerText(network: string, name: string, rules: ContainerRules): string {
  const { address, address6, isolated, hostPorts, talksTo, connections } = rules;
  const own6 = address6 && { own: address6, linkLocal: linkLocalOf(macOf(address)) };
  return [
    `table inet ${tableOf(network)} {`,
    `	chain from-${name} {`,
    `		ct count over ${connections} drop`,
    ...hostPorts.map((port) => `		fib daddr type local ${port.replace("/", " dport ")} accept`),
    ...talksTo.map((other) => `		${other.includes(":") ? "ip6" : "ip"} daddr ${other} accept`),
    ...(isolated ? [] : ["		ip daddr @open accept"]),
    ...(isolated || !own6 ? [] : ["		ip6 daddr @open6 accept"]),
    "	}",
    "	map containers {",
    "		type ipv4_addr : verdict",
    `		elements = { ${address} : jump from-${name} }`,
    "	}",
    ...(isolated ? [] : ["	set open {", "		type ipv4_addr", `		elements = { ${address} }`, "	}"]),
    ...(own6 ? containerText6(name, own6, isolated) : []),
    "}",
    "",
  ].join("\n");
}

/** The rules that a container's file holds; undefined if they are not all that it holds. */
export function parseContainerText(network: string, name: string, text: string): ContainerRules | undefined {
  const all = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, ...groups]) => groups.join("/"));
  const address6 = /elements = \{ (\S*:\S*) : jump/.exec(text)?.[1];
  const rules: ContainerRules = {
    address: /elements = \{ ([\d.]+) : jump/.exec(text)?.[1] ?? "",
    ...(address6 && { address6 }),
    isolated: !text.includes("@open"),
    hostPorts: all(/fib daddr type local (\w+) dport (\d+) accept/g),
    talksTo: all(/ip6? daddr ([\d.a-f:]+) accept/g),
    connections: Number(/ct count over (\d+) drop/.exec(text)?.[1]),
  };
  return containerText(network, name, rules) === text ? rules : undefined;
}

// nft runs in a domain of its own, which can neither read the store nor write into files of a batch: through pipes. Rules of one
// container that nft does not take must not leave all others without any.
const loadText = (network: string) => `# Loads the rules of the network ${network} and of its containers.
umask 077
cd ${folderOf(network)} || exit
[ -e /proc/$$/fd/6 ] || exec 6>>lock
flock -w 60 6 || exit
load() {
  said=$(printf '%s\\n' "$1" | nft -f - 2>&1 3>&- 6>&- 8>&- 9>&-) || { printf '%s\\n' "$said" >&2; return 1; }
}
rules=$(cat rules.nft containers/*.nft 2>/dev/null)
rm -f loaded
load "$rules" || { load "$(cat rules.nft)"; exit 1; }
listing=$(nft -s list table inet ${tableOf(network)} 2>&1 3>&- 6>&- 8>&- 9>&-) && printf '%s\\n' "$rules" "$listing" >loaded
`;

const unitText = (network: string) => `# Written by svirt-lxc.
[Unit]
Description=Packet filter of the containers' network ${network}
After=nftables.service
Before=libvirtd.service virtlxcd.service
RequiresMountsFor=${STORE}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh ${folderOf(network)}/load

[Install]
WantedBy=multi-user.target
`;

// When it is started, reloaded or stopped, nftables.service flushes the rules of everybody.
const dropInText = (
  network: string,
) => `# Written by svirt-lxc: the packet filter of containers is loaded again when all rules were flushed.
[Service]
ExecStartPost=-/bin/sh ${folderOf(network)}/load
ExecReload=-/bin/sh ${folderOf(network)}/load
ExecStopPost=-/bin/sh ${folderOf(network)}/load
`;

// Isolated ports hear nothing of each other's ARP: the host answers, and what is sent to it then meets its packet filter. udev
// applies this when libvirt makes the bridge (99-systemd.rules).
const sysctlText = (
  bridge: string,
) => `# Written by svirt-lxc: containers reach each other through the host, which decides.
-net.ipv4.conf.${bridge}.proxy_arp_pvlan = 1
`;

const proxyArp = (bridge: string) => `/proc/sys/net/ipv4/conf/${bridge}/proxy_arp_pvlan`;

const LOOK = `
grep -sH '' ${STORE}/networks/*/rules.nft ${STORE}/networks/*/load ${STORE}/networks/*/containers/*.nft ${unitFile("*")} \\
  ${dropIn("*")} ${sysctlFile("*")} ${guestFilterFile(GUEST_FILTER)} ${guestFilterFile(GUEST_FILTER_6)} ${proxyArp("*")} \\
  /sys/class/net/vnet*/brport/isolated
grep -slF "filter='${GUEST_FILTER}" /run/libvirt/nwfilter-binding/*.xml
units=
for d in ${STORE}/networks/*/; do
  [ -d "$d" ] && cd "$d" || continue
  n=\${d%/} n=\${n##*/}
  units="$units svirt-lxc-network-$n.service"
  [ ! -e lock ] || { exec 6<lock && flock -s -w 30 6; }
  [ ! -e loaded ] || [ "$(cat loaded)" != "$(cat rules.nft containers/*.nft 2>/dev/null; nft -s list table inet "svirt-lxc.$n" 2>/dev/null 6<&-)" ] || echo "@loaded $n"
  exec 6<&-
done
[ -z "$units" ] || systemctl show -p Id,ActiveState,UnitFileState,NeedDaemonReload $units
:`;

/** Volatile: others change their rules, and ours are written for each container that comes; no plan depends on another's. */
export const networkRulesRead: Read = { key: "network-rules", argv: ["sh", "-c", LOOK], volatile: true };

/** What is written and loaded on a host for the containers' networks. */
export interface NetworkRules {
  /** Path → text. */
  files: ReadonlyMap<string, string>;
  /** The networks whose rules are loaded, and are just those that were loaded. */
  loaded: ReadonlySet<string>;
  /** The units that are enabled and active, as they are on disk. */
  units: ReadonlySet<string>;
  /** The host's ends of containers' interfaces that have the guest filter. */
  filtered: readonly string[];
}

export const parseNetworkRules = parseOnce(readNetworkRules);

function readNetworkRules(text: string): NetworkRules {
  const files = new Map<string, string>();
  for (const [, path, line] of text.matchAll(/^(\/[^:\n]+):(.*)$/gm))
    files.set(path!, `${files.get(path!) ?? ""}${line}\n`);
  const units = text.split("\n\n").flatMap((part) => {
    const isReady = /^ActiveState=active$/m.test(part) && /^UnitFileState=enabled$/m.test(part);
    return isReady && !part.includes("NeedDaemonReload=yes") ? (/^Id=(.*)$/m.exec(part)?.[1] ?? []) : [];
  });
  const all = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name!);
  return {
    files,
    loaded: new Set(all(/^@loaded (.*)$/gm)),
    units: new Set(units),
    filtered: all(/^\/run\/libvirt\/nwfilter-binding\/(.*)\.xml$/gm),
  };
}

/** Are the rules of a network written, loaded, and will they be after a boot? */
export function isGuarded({ files, loaded, units }: NetworkRules, guarded: GuardedNetwork): boolean {
  const { network, bridge } = guarded;
  const wanted = filesOf(guarded);
  // Before libvirt has made the bridge there is nothing to ask.
  const isProxy = (files.get(proxyArp(bridge))?.trim() ?? "1") === "1";
  return (
    Object.entries(wanted).every(([path, text]) => files.get(path) === text) &&
    loaded.has(network) &&
    units.has(unitOf(network)) &&
    isProxy
  );
}

/** Is any of the files of a network's rules there, or are they loaded? */
export function hasNetworkRules({ files, loaded }: NetworkRules, network: string): boolean {
  const own = [unitFile, dropIn, sysctlFile].map((of) => of(network));
  return loaded.has(network) || [...files.keys()].some((f) => own.includes(f) || f.startsWith(`${folderOf(network)}/`));
}

/** The interfaces with the guest filter whose ports are not isolated. */
export function openPorts({ files, filtered }: NetworkRules): string[] {
  return filtered.filter((port) => files.get(`/sys/class/net/${port}/brport/isolated`)?.trim() === "0");
}

/** What a container may reach by its file and the loaded rules; "none" if there is no file, or another one, or it is not loaded. */
export function containerRulesOf(rules: NetworkRules, network: string, name: string): ContainerRules | "none" {
  const text = rules.files.get(containerFile(network, name));
  return (rules.loaded.has(network) && text && parseContainerText(network, name, text)) || "none";
}

/** The networks that have a file of a container's: it may have been in others before. */
export function networksOf({ files }: NetworkRules, name: string): string[] {
  return [...files.keys()].flatMap((path) => {
    const [, network, file] = /\/networks\/([^/]+)\/containers\/([^/]+)\.nft$/.exec(path) ?? [];
    return file === name ? [network!] : [];
  });
}

function filesOf(guarded: GuardedNetwork): Record<string, string> {
  const { network, bridge } = guarded;
  return {
    [`${folderOf(network)}/rules.nft`]: tableText(guarded),
    [`${folderOf(network)}/load`]: loadText(network),
    [sysctlFile(network)]: sysctlText(bridge),
    [unitFile(network)]: unitText(network),
    [dropIn(network)]: dropInText(network),
  };
}

/** Writes the rules of a network, loads them, and has them loaded at each boot. */
export function writeNetworkRules(guarded: GuardedNetwork): Step {
  const { network, bridge } = guarded;
  const files = Object.entries(filesOf(guarded)).flat();
  return {
    id: "write-network-rules",
    title: `Loading the packet filter of the network ${network}`,
    argv: ["sh", "-c", WRITE_RULES, "sh", folderOf(network), unitOf(network), proxyArp(bridge), ...files],
  };
}

const WRITE_RULES = `${PUT}
${RELOAD_UNITS}
${WRITE_CONFIG}
folder=$1 unit=$2 proxy=$3; shift 3
while [ $# -gt 0 ]; do
  case $1 in "$folder"/*) to=put;; *) to=write_config;; esac
  printf %s "$2" | $to "$1" || exit 1
  shift 2
done
[ ! -e "$proxy" ] || echo 1 >"$proxy" || exit 1
sh "$folder/load" && systemctl --root=/ enable -q "$unit" && reload_units "$unit" nftables.service && systemctl start "$unit"`;

/** Removes all of it, as far as it is there. */
export function removeNetworkRules(network: string): Step {
  return {
    id: "remove-network-rules",
    title: `Removing the packet filter of the network ${network}`,
    argv: ["sh", "-c", REMOVE_RULES, "sh", ...[folderOf, unitOf, tableOf, sysctlFile, dropIn].map((of) => of(network))],
  };
}

const REMOVE_RULES = `${RELOAD_UNITS}
if [ -e /etc/systemd/system/"$2" ]; then
  systemctl --root=/ disable -q "$2" && systemctl stop "$2" && rm -f /etc/systemd/system/"$2" || exit 1
fi
rm -f "$5" && { [ ! -d "\${5%/*}" ] || rmdir --ignore-fail-on-non-empty "\${5%/*}"; } && reload_units "$2" nftables.service || exit 1
! nft -s -t list table inet "$3" >/dev/null 2>&1 || nft delete table inet "$3" || exit 1
rm -rf "$4" "$1" && { [ ! -d ${STORE}/networks ] || rmdir --ignore-fail-on-non-empty ${STORE}/networks; }`;

/** Isolates the ports of a bridge to which interfaces with the guest filter belong. */
export function isolatePorts(ports: string[]): Step {
  return {
    id: "isolate-ports",
    subject: ports.join(" "),
    title: `Isolating the ports ${ports.join(", ")} of the bridge`,
    argv: ["sh", "-c", `for p; do ip link set "$p" type bridge_slave isolated on || exit 1; done`, "sh", ...ports],
  };
}

/** Writes what a container may reach, and loads it: it counts at once. */
export function writeContainerRules(network: string, name: string, rules: ContainerRules): Step {
  return {
    id: "write-container-rules",
    title: "Loading what the container may reach",
    argv: ["sh", "-c", WRITE_CONTAINER, "sh", folderOf(network), containerFile(network, name), rules.address],
    stdin: containerText(network, name, rules),
  };
}

// What is left of a container that had the address before would keep nft from loading any. A look at the rules waits for the lock:
// between a file and its loading they are not what they are to be, and another container may just be looked at.
const WRITE_CONTAINER = `${PUT}
cd "$1" && exec 6>>lock && flock -w 60 6 || exit
for f in $(grep -lsF "{ $3 : jump" containers/*.nft); do [ "$1/$f" = "$2" ] || rm -f "$f" || exit; done
put "$2" && exec sh ./load`;

/** Removes it. A network that is gone has none. */
export function removeContainerRules(network: string, name: string): Step {
  return {
    id: "remove-container-rules",
    subject: network,
    title: `Removing what the container may reach in the network ${network}`,
    argv: ["sh", "-c", REMOVE_CONTAINER, "sh", folderOf(network), containerFile(network, name)],
  };
}

const REMOVE_CONTAINER = `
[ ! -e "$1/lock" ] || { exec 6>>"$1/lock" && flock -w 60 6; } || exit
rm -f "$2" "$2.new"
[ ! -e "$1/load" ] || exec sh "$1/load"`;
