import { type FoundGuard, LIST_GUARD, parseGuard } from "../../confinement/guard.ts";
import { type Daemons, daemonsOf, familyOf, parseSystem } from "../../families/index.ts";
import type { Results } from "../../host/batch.ts";
import type { OsRelease } from "../../host/os-release.ts";
import { type Damaged, STORE } from "../../host/records.ts";
import { claimOf, parseStore, type Store } from "../../host/store.ts";
import { isPolicyStillNeeded } from "../../tools/containers.ts";
import { isUnlabelled } from "../../tools/domain-xml.ts";
import { parseDomains } from "../../tools/domains.ts";
import { type FirewallState, parseFirewall } from "../../tools/firewall.ts";
import { GUEST_FILTER, GUEST_FILTER_6, guestFilterFile, isGuestFilter } from "../../tools/guest-filter.ts";
import { areInstalled, areLeft, LIST_UNITS } from "../../tools/host-units.ts";
import { LXC_CONF, missing } from "../../tools/lxc-conf.ts";
import { bridgeOf, gatewayOf, type NetworkInfo, parseNetworks, type Reservation } from "../../tools/network.ts";
import { hasNetworkRules, isGuarded, openPorts, parseNetworkRules } from "../../tools/network-rules.ts";
import { hasFile, isLeftAlone, LIST_NETWORKD } from "../../tools/networkd.ts";
import { type FoundSigner, LIST_SIGNER, parseSigner } from "../../tools/signer.ts";
import { HAS_PARENT } from "../../tools/slice.ts";
import { VETH_LINK, vethLink } from "../../tools/veth-link.ts";
import {
  CLAIM,
  type Claim,
  claimSchema,
  type Definition,
  definitionOf,
  guardedNetwork,
  type Inputs,
} from "./inputs.ts";

export interface Observed {
  os: OsRelease;
  missingPackages: string[];
  /** libvirt could be asked for its networks. */
  answers: boolean;
  /** Units that would not be there after a boot, or are not there now. */
  idleUnits: string[];
  /** Keys of lxc.conf that are not as required. */
  missingSettings: string[];
  /** It was written, and libvirt was not restarted since. */
  unread: boolean;
  /** udev leaves the MACs of containers alone. */
  udevLink: boolean;
  /** networkd leaves the network alone. */
  networkdFile: boolean;
  /** Our own units for all containers are there. */
  units: boolean;
  /** What libvirt runs at each start of a container. */
  guard: Omit<FoundGuard, "left">;
  /** What signs what is found of containers. */
  signer: Omit<FoundSigner, "left">;
  network?: Definition & Pick<NetworkInfo, "active" | "autostart" | "owner">;
  firewall: FirewallState;
  claim?: Claim | Damaged;
  host?: {
    store: Store;
    /** What serves libvirt here. */
    daemons: Daemons | undefined;
    lxcConf: string;
    /** As it was before the first claim, if it was changed. */
    original?: string;
    reservations: Reservation[];
    bridge: string;
    /** The host's ends of containers' interfaces that should be isolated ports of a bridge. */
    openPorts: string[];
    /** Others' domains that lxc.conf, as we need it, would have confined or kept from starting. */
    unlabelled: string[];
    /** A container stays here without a stack. */
    remaining: boolean;
    /** What of ours is there, whole or not. */
    left: Record<
      "rules" | "networkdFile" | "filter" | "filter6" | "udevLink" | "units" | "slice" | "guard" | "signer",
      boolean
    >;
  };
}

/** What of ours may be missing in the host's packet filter besides libvirt's own rules, as a refresh calls it. */
export const FILTER = "guest-filter";
export const FILTER_6 = "guest-filter-ipv6";
export const ISOLATION = "isolation";
export const OPEN_PORTS = "isolated-ports";

/** lxc.conf as it was before the first claim; the last one out puts back what it said of our keys. */
export const ORIGINAL = `${STORE}/lxc.conf.original`;

/** lxc.conf or a hook is being written, and libvirt has to read it. A boot does that as well. */
export const UNREAD = "/run/svirt-lxc/lxc.conf.unread";

/** Prints what there is of all that is neither a package nor a unit, each after a line that names it. */
export const STATE = `
echo "@link"; cat ${VETH_LINK} 2>/dev/null; echo
echo "@networkd"; ${LIST_NETWORKD}
echo "@units"; ${LIST_UNITS}
echo "@slice"; ${HAS_PARENT}
echo "@signer"; ${LIST_SIGNER}
echo "@guard"; ${LIST_GUARD}
echo "@unread"; [ ! -e ${UNREAD} ] || echo yes
[ ! -e ${ORIGINAL} ] || { echo "@original"; cat ${ORIGINAL}; echo; }
echo "@lxc.conf"; cat ${LXC_CONF} 2>/dev/null
:`;

/** What the looks at the host say of libvirt. */
export function observe(results: Results, { owner, network, subnet, subnet6 }: Inputs): Observed {
  const part = (name: string) =>
    results
      .get("libvirt")!
      .stdout.split(/^(?=@[\w.]+$)/m)
      .find((p) => p.startsWith(`@${name}\n`))
      ?.slice(name.length + 2);
  const system = parseSystem(results);
  const { os } = system;
  const family = familyOf(os);
  const daemons = "unsupported" in family ? undefined : daemonsOf(family, system);
  const store = parseStore(results.get("store")!);
  const others = [...parseDomains(results.get("domains")!)].filter(([, { next }]) => !next.owner);
  const unlabelled = others.filter(([, { xml }]) => isUnlabelled(xml)).map(([name]) => name);
  const found = parseNetworks(results.get("networks")!).get(network);
  const bridge = found?.bridge ?? bridgeOf(network);
  const rules = parseNetworkRules(results.get("network-rules")!);
  const open = openPorts(rules);
  const { left: isGuardLeft, ...guard } = parseGuard(part("guard") ?? "");
  const { left: isSignerLeft, ...signer } = parseSigner(part("signer") ?? "");
  const firewall = parseFirewall(results.get("firewall")!, {
    bridge,
    subnet: found?.subnet ?? subnet,
    gateway: gatewayOf(found?.subnet ?? subnet),
    subnet6: found?.subnet6,
    active: found?.active ?? false,
    filtered: rules.filtered,
  });
  return {
    os,
    missingPackages: "unsupported" in family ? [] : family.packages.filter((name) => !system.packages.has(name)),
    answers: results.get("networks")!.exit === 0,
    idleUnits: [
      ...(daemons?.boot.filter((unit) => !system.enabled.has(unit)) ?? []),
      ...(daemons?.sockets.filter((unit) => !system.active.has(unit)) ?? []),
    ],
    missingSettings: missing(part("lxc.conf") ?? ""),
    unread: part("unread")?.includes("yes") ?? false,
    udevLink: part("link")?.trim() === vethLink.trim(),
    networkdFile: isLeftAlone(part("networkd") ?? "", network, bridge),
    units: areInstalled(part("units") ?? ""),
    guard,
    signer,
    network: found && pick(found),
    firewall: {
      ...firewall,
      missing: [
        ...firewall.missing,
        ...(isGuestFilter(rules.files, GUEST_FILTER) ? [] : [FILTER]),
        ...(subnet6 === undefined || isGuestFilter(rules.files, GUEST_FILTER_6) ? [] : [FILTER_6]),
        ...(isGuarded(rules, guardedNetwork({ network, subnet, subnet6 }, bridge)) ? [] : [ISOLATION]),
        ...(open.length > 0 ? [OPEN_PORTS] : []),
      ],
    },
    claim: claimOf(store, CLAIM, owner, claimSchema),
    host: {
      store,
      daemons,
      lxcConf: part("lxc.conf") ?? "",
      original: part("original")?.slice(0, -1), // but the line feed of the look
      reservations: found?.reservations ?? [],
      bridge,
      openPorts: open,
      unlabelled,
      remaining: isPolicyStillNeeded(results),
      left: {
        rules: hasNetworkRules(rules, network),
        networkdFile: hasFile(part("networkd") ?? "", network),
        filter: rules.files.has(guestFilterFile(GUEST_FILTER)),
        filter6: rules.files.has(guestFilterFile(GUEST_FILTER_6)),
        udevLink: part("link")?.trim() !== "",
        units: areLeft(part("units") ?? ""),
        slice: part("slice")?.includes("yes") ?? false,
        guard: isGuardLeft,
        signer: isSignerLeft,
      },
    },
  };
}

// Reservations change with each container, and are not for state.
function pick(network: NetworkInfo): Observed["network"] {
  const { active, autostart, owner } = network;
  return { ...definitionOf(network), active, autostart, owner };
}
