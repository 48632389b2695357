import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import {
  type FoundGuard,
  installGuard,
  LIST_GUARD,
  markUnproven,
  parseGuard,
  removeGuard,
} from "../confinement/guard.ts";
import { differences } from "../engine/adopt.ts";
import { equalAsJson } from "../engine/check.ts";
import type { Kind } from "../engine/kind.ts";
import { type Args, HostResource } from "../engine/resource.ts";
import { type Daemons, daemonsOf, familyOf, installPackages, parseSystem, systemRead } from "../families/index.ts";
import type { Step } from "../host/batch.ts";
import { hostName } from "../host/connection.ts";
import type { OsRelease } from "../host/os-release.ts";
import { DAMAGED, type Damaged, damageOf, PUT, STORE } from "../host/records.ts";
import {
  claimOf,
  claimPath,
  claimSteps,
  claimsOf,
  hasRetained,
  otherClaims,
  parseStore,
  type Store,
  storeRead,
  unclaim,
} from "../host/store.ts";
import { WRITE_CONFIG } from "../tools/config-file.ts";
import { hasContainer, isPolicyStillNeeded } from "../tools/containers.ts";
import { isUnlabelled } from "../tools/domain-xml.ts";
import { domainsRead, parseDomains } from "../tools/domains.ts";
import {
  type FirewallState,
  firewallProblem,
  firewallRead,
  firewallText,
  LIBVIRTS,
  parseFirewall,
} from "../tools/firewall.ts";
import {
  defineGuestFilter,
  GUEST_FILTER,
  GUEST_FILTER_6,
  guestFilterFile,
  isGuestFilter,
  undefineGuestFilter,
} from "../tools/guest-filter.ts";
import { areInstalled, areLeft, installUnits, LIST_UNITS, removeUnits } from "../tools/host-units.ts";
import { LXC_CONF, missing, withOriginal, withRequired } from "../tools/lxc-conf.ts";
import {
  bridgeOf,
  domainOf,
  enableForwarding,
  gatewayOf,
  isCanonical,
  markNetwork,
  NETWORK_OWNER,
  type NetworkInfo,
  networksRead,
  networkXml,
  parseNetworks,
  type Reservation,
  rewriteRules,
  startNetwork,
} from "../tools/network.ts";
import {
  type GuardedNetwork,
  hasNetworkRules,
  isGuarded,
  isolatePorts,
  networkRulesRead,
  openPorts,
  parseNetworkRules,
  removeNetworkRules,
  writeNetworkRules,
} from "../tools/network-rules.ts";
import { hasFile, isLeftAlone, LIST_NETWORKD, leaveAlone, removeFile } from "../tools/networkd.ts";
import { type FoundSigner, LIST_SIGNER, parseSigner, removeSigner, startSigner } from "../tools/signer.ts";
import { HAS_PARENT, removeParentSlice } from "../tools/slice.ts";
import { subnet6Schema } from "../tools/subnet6.ts";
import { VETH_LINK, vethLink } from "../tools/veth-link.ts";
import { EXIT_UNAVAILABLE, virsh } from "../tools/virsh.ts";
import { adopt, common, retain } from "./common.ts";

const schema = z.strictObject({
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
type Inputs = z.output<typeof schema>;

interface Observed {
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

interface Outputs {
  gateway: string;
  evidenceKey?: string;
}

/** What of ours may be missing in the host's packet filter besides libvirt's own rules, as a refresh calls it. */
const FILTER = "guest-filter";
const FILTER_6 = "guest-filter-ipv6";
const ISOLATION = "isolation";
const OPEN_PORTS = "isolated-ports";

/** What a stack wants of libvirt. */
const claimSchema = z.object({
  network: z.string(),
  subnet: z.string(),
  subnet6: z.string().optional(),
  /** It stays when its stack goes. */
  retain: z.boolean().optional(),
});
type Claim = z.infer<typeof claimSchema>;

const CLAIM = "libvirt";
/** Inputs that mean nothing to a removal. */
const REMOVED = { adopt: false, confineOthers: false, retain: false, firewall: "ready" as const };
/** How containers reach the outside. */
const FORWARD = "nat";
/** lxc.conf as it was before the first claim; the last one out puts back what it said of our keys. */
const ORIGINAL = `${STORE}/lxc.conf.original`;

/** What systemctl says of a unit that is not there (systemctl(1), exit status). */
const NO_SUCH_UNIT = 5;

/** lxc.conf or a hook is being written, and libvirt has to read it. A boot does that as well. */
const UNREAD = "/run/svirt-lxc/lxc.conf.unread";

const STATE = `
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
// A daemon that runs loads no driver that was installed meanwhile. It may end when nobody needs it: its socket starts it again.
const start = ({ boot, sockets, services }: Daemons) => [
  "sh",
  "-c",
  `systemctl enable ${boot.join(" ")} && systemctl start ${sockets.join(" ")} && systemctl restart ${services.join(" ")}`,
];
const READ_CONF = `systemctl restart "$@" && rm -f ${UNREAD}`;
const KEEP_ORIGINAL = `${PUT}
: >${UNREAD} && { [ -e ${ORIGINAL} ] || cat ${LXC_CONF} 2>/dev/null | put ${ORIGINAL}; }`;
const WRITE = `${WRITE_CONFIG}\nwrite_config "$1"`;
const write = (file: string) => ["sh", "-c", WRITE, "sh", file];
const RESTORE = `mkdir -p /run/svirt-lxc; : >${UNREAD}; ${WRITE} && rm ${ORIGINAL}`;
// What is not there, or not running, reads it when it is started.
const REREAD_CONF = `systemctl try-restart "$@"; code=$?; case $code in 0|${NO_SUCH_UNIT}) rm -f ${UNREAD};; *) exit $code;; esac`;

export const libvirtService: Kind<Inputs, Observed, Outputs> = {
  token: "LibvirtService",
  schema,
  hostName: ({ connection }) => hostName(connection),
  id: ({ network }) => network,
  replaces: ["network", "subnet"],
  createOnly: ["adopt", "confineOthers"],

  // With the daemon down, libvirt cannot be asked; that it is down is seen in "libvirt".
  reads: () => [
    storeRead,
    systemRead,
    { key: "libvirt", argv: ["sh", "-c", STATE] },
    { ...networksRead, ok: [0, EXIT_UNAVAILABLE] },
    { ...domainsRead("*"), ok: [0, EXIT_UNAVAILABLE], unavailableExitCodes: [] },
    firewallRead, // after libvirt was asked: it answers when it has written its rules
    networkRulesRead,
  ],
  parse(results, { owner, network, subnet, subnet6 }) {
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
  },

  exists: ({ claim }) => claim !== undefined,
  existing({ network }, desired) {
    if (!network || network.owner === NETWORK_OWNER) return undefined;
    return {
      what: `libvirt has a network ${desired.network}`,
      owner: network.owner,
      differences: () => differences(definitionOf(network), declared(desired)),
    };
  },
  precondition({ os, missingSettings, firewall, host }, desired, prior) {
    const family = familyOf(os);
    if ("unsupported" in family) {
      return {
        code: "unsupported-host",
        what: `${os.name} cannot run these containers`,
        why: family.unsupported,
        remedy: "see README for the supported hosts",
      };
    }
    if (missingSettings.length > 0 && host!.unlabelled.length > 0 && !desired.confineOthers) {
      return {
        code: "unlabelled-domains",
        what: "the host has LXC domains without an SELinux label, which would be confined, or start no more",
        why: `lxc.conf must say so for all domains; these have none: ${host!.unlabelled.join(", ")}`,
        remedy: "give them a <seclabel>, or agree for them with confineOthers: true on this host",
      };
    }
    for (const [other, theirs] of otherClaims(host!.store, CLAIM, claimSchema, desired.owner, prior?.owner)) {
      if (theirs !== DAMAGED && theirs.network === desired.network && subnetsOf(theirs) !== subnetsOf(desired)) {
        return {
          code: "subnet-in-use",
          what: `the network ${desired.network} is shared with a stack that wants another subnet`,
          why: `${other} wants ${subnetsOf(theirs)}, this one ${subnetsOf(desired)}`,
          remedy: "agree on one subnet, or give one of them a network of another name",
        };
      }
    }
    return firewallProblem(firewall, host!.bridge);
  },

  plan(observed, desired, prior) {
    const { os, answers, missingPackages, idleUnits, missingSettings, unread, guard, signer, network, claim, host } =
      observed;
    const { missing: absent, blocks } = observed.firewall;
    const { retain, subnet6 } = desired;
    const wish: Claim = {
      network: desired.network,
      subnet: desired.subnet,
      ...(subnet6 && { subnet6 }),
      ...(retain && { retain }),
    };
    const steps = claimSteps(claim, host?.store, CLAIM, desired.owner, wish, prior?.owner);
    const act = (id: string, title: string, argv: string[], more: Partial<Step> = {}) =>
      steps.push({ id, title, argv, ...more });
    const family = familyOf(os);
    const services = host?.daemons?.services ?? [];

    if (missingPackages.length > 0 && !("unsupported" in family)) steps.push(installPackages(family, missingPackages));
    if (missingPackages.length > 0 || idleUnits.length > 0 || !answers) {
      act("start-libvirt", "Starting libvirt, now and at every boot", host?.daemons ? start(host.daemons) : []);
      return steps; // the rest is planned on what the packages brought, and on what libvirt can be asked for when it runs
    }

    if (!observed.udevLink)
      act("write-udev-link", "Telling udev to leave the MACs of containers alone", write(VETH_LINK), {
        stdin: vethLink,
      });
    if (!observed.networkdFile) steps.push(leaveAlone(desired.network, host?.bridge ?? bridgeOf(desired.network)));
    if (!observed.units) steps.push(installUnits);
    if (signer.key === undefined || signer.waiting) steps.push(startSigner);
    if (missingSettings.length > 0) {
      act("save-lxc-conf", "Saving lxc.conf as it was", ["sh", "-c", KEEP_ORIGINAL]);
      act("configure-lxc", `Setting ${missingSettings.join(", ")} in lxc.conf`, write(LXC_CONF), {
        subject: missingSettings.join(" "),
        stdin: withRequired(host?.lxcConf ?? ""),
      });
    }
    const { installed, unseen } = guard;
    if (!installed) steps.push(installGuard(UNREAD));
    const isUnread = missingSettings.length > 0 || unread || !installed || unseen.length > 0;
    if (isUnread)
      act("restart-libvirt", "Restarting libvirt, which reads lxc.conf and the hooks", [
        "sh",
        "-c",
        READ_CONF,
        "sh",
        ...services,
      ]);
    if (unseen.length > 0) steps.push(markUnproven(unseen));
    const changed = network && !equalAsJson(definitionOf(network), declared(desired));
    const isRewritten = isUnread || changed;
    if (absent.includes(FILTER)) steps.push(defineGuestFilter(GUEST_FILTER));
    if (absent.includes(FILTER_6)) steps.push(defineGuestFilter(GUEST_FILTER_6));
    if (absent.includes(ISOLATION))
      steps.push(writeNetworkRules(guardedNetwork(desired, host?.bridge ?? bridgeOf(desired.network))));
    if (absent.includes(OPEN_PORTS)) steps.push(isolatePorts(host?.openPorts ?? []));
    // What blocks is refused before; by the step, it shows that there is something to do.
    if (!isRewritten && (absent.some((need) => LIBVIRTS.includes(need)) || blocks.length > 0)) steps.push(rewriteRules);
    if (absent.includes("forwarding")) steps.push(enableForwarding("IPv4"));
    if (absent.includes("forwarding-ipv6")) steps.push(enableForwarding("IPv6"));
    if (changed) {
      if (network.active)
        act(
          "stop-network",
          `Stopping the network ${desired.network}, which is defined otherwise`,
          virsh("net-destroy", desired.network),
        );
      act("remove-network", `Removing the network ${desired.network}`, virsh("net-undefine", desired.network));
    }
    if (!network || changed) {
      act("define-network", `Defining the network ${desired.network}`, virsh("net-define", "/dev/stdin"), {
        stdin: networkXml(
          { name: desired.network, subnet: desired.subnet, subnet6 },
          NETWORK_OWNER,
          host?.reservations,
        ),
      });
    }
    if (network && !changed && network.owner !== NETWORK_OWNER) steps.push(markNetwork(desired.network));
    if (!network?.autostart || changed)
      act("autostart-network", "Enabling the start of the network at boot", virsh("net-autostart", desired.network));
    if (!network?.active || changed) steps.push(startNetwork(desired.network));
    return steps;
  },

  remove({ answers, missingPackages, unread, network, claim, host }, { owner, network: name }) {
    if (!claim) return [];
    const services = host?.daemons?.services ?? [];
    // Where it was never installed, or is no more, it has none.
    if (!answers && missingPackages.length === 0)
      return [
        {
          id: "start-libvirt",
          title: "Starting libvirt, which has a network to remove",
          argv: ["systemctl", "restart", ...services],
        },
      ];
    const steps: Step[] = [];
    const others = [...otherClaims(host!.store, CLAIM, claimSchema, owner).values()];
    const { store, lxcConf, original, remaining, left } = host!;
    // Not so with any container that remains: it may be about to move to another network, by a stack that replaces this one.
    if (!hasRetained(store) && !others.some((o) => o === DAMAGED || o.network === name)) {
      if (network?.owner === NETWORK_OWNER) {
        if (network.active)
          steps.push({ id: "stop-network", title: "Stopping the network", argv: virsh("net-destroy", name) });
        steps.push({ id: "remove-network", title: "Removing the network", argv: virsh("net-undefine", name) });
      }
      if (left.rules) steps.push(removeNetworkRules(name));
      if (left.networkdFile) steps.push(removeFile(name));
    }
    if (others.length === 0 && !remaining) {
      if (original !== undefined) {
        const argv = ["sh", "-c", RESTORE, "sh", LXC_CONF];
        steps.push({
          id: "restore-lxc-conf",
          title: "Restoring lxc.conf",
          argv,
          stdin: withOriginal(lxcConf, original),
        });
      }
      if (answers && left.filter6) steps.push(undefineGuestFilter(GUEST_FILTER_6));
      if (answers && left.filter) steps.push(undefineGuestFilter(GUEST_FILTER));
      if (original !== undefined || unread)
        steps.push({
          id: "restart-libvirt",
          title: "Restarting libvirt, which reads lxc.conf",
          argv: ["sh", "-c", REREAD_CONF, "sh", ...services],
        });
      if (left.udevLink)
        steps.push({
          id: "remove-udev-link",
          title: "Removing the rule of udev for the MACs of containers",
          argv: ["rm", "-f", VETH_LINK],
        });
      if (left.units) steps.push(removeUnits);
      if (left.guard) steps.push(removeGuard);
      if (left.signer) steps.push(removeSigner);
      if (left.slice) steps.push(removeParentSlice);
    }
    return [...steps, unclaim(CLAIM, owner)];
  },
  listOwned: (results) =>
    [...claimsOf(parseStore(results.get("store")!), CLAIM, claimSchema)]
      .flatMap(([owner, wish]) => (wish === DAMAGED ? [] : [{ owner, ...REMOVED, ...wish }]))
      .filter((claim) => !claim.retain && !hasContainer(results, claim.owner)),
  outputs: ({ signer }, { subnet }) => ({
    gateway: gatewayOf(subnet),
    ...(signer.key !== undefined && { evidenceKey: signer.key }),
  }),
  actualInputs: ({ network, firewall, claim }, inputs) =>
    ({
      subnet: network?.subnet ?? inputs.subnet,
      subnet6: network ? network.subnet6 : inputs.subnet6,
      firewall: firewallText(firewall),
      ...(claim === DAMAGED && { drift: [damageOf(claimPath(CLAIM, inputs.owner))] }),
    }) as Partial<Inputs> & { drift?: string[] },
};

// Reservations change with each container, and are not for state.
function pick(network: NetworkInfo): Observed["network"] {
  const { active, autostart, owner } = network;
  return { ...definitionOf(network), active, autostart, owner };
}

type Definition = Pick<NetworkInfo, "subnet" | "subnet6" | "forward" | "nat6" | "domain" | "reservedOnly">;

/** What of a network cannot be changed while it runs. */
function definitionOf({ subnet, subnet6, forward, nat6, domain, reservedOnly }: Definition): Definition {
  return { subnet, subnet6, forward, nat6, domain, reservedOnly };
}

type Subnets = Pick<Inputs, "network" | "subnet" | "subnet6">;

function guardedNetwork({ network, subnet, subnet6 }: Subnets, bridge: string): GuardedNetwork {
  return { network, bridge, subnet, gateway: gatewayOf(subnet), subnet6 };
}

function declared({ network, subnet, subnet6 }: Subnets): Definition {
  const ipv6 = subnet6 === undefined ? {} : { subnet6, nat6: true };
  return { subnet, ...ipv6, forward: FORWARD, domain: domainOf(network), reservedOnly: true };
}

/** As one text, for people and to compare. */
function subnetsOf({ subnet, subnet6 }: Pick<Claim, "subnet" | "subnet6">): string {
  return subnet6 === undefined ? subnet : `${subnet} and ${subnet6}`;
}

export type LibvirtServiceArgs = Args<typeof schema>;

/**
 * libvirt's LXC driver runs, now and after a reboot; it confines every domain by SELinux and refuses unconfined ones; and
 * there is a NAT network for containers, with what it needs of the host's firewall, and with rules of what containers may reach. It is shared by all stacks that use the
 * host. The last one out removes the network and the files for udev and networkd, and puts lxc.conf back; packages stay.
 */
export class LibvirtService extends HostResource {
  /** The host's address in the network. */
  declare readonly gateway: pulumi.Output<string>;
  /** The public half of the key with which the host signs what is found of its containers, such as "ssh-ed25519 AAAA…". */
  declare readonly evidenceKey: pulumi.Output<string>;

  constructor(name: string, args: LibvirtServiceArgs, opts?: pulumi.CustomResourceOptions) {
    super("LibvirtService", name, { retain: opts?.retainOnDelete, ...args }, ["gateway", "evidenceKey"], [], opts);
  }
}
