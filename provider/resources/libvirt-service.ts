import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { differences } from "../engine/adopt.ts";
import type { Kind } from "../engine/kind.ts";
import { type Args, HostResource } from "../engine/resource.ts";
import type { Step } from "../host/batch.ts";
import { hostName } from "../host/connection.ts";
import { familyOf, type OsRelease, parseOsRelease } from "../host/family.ts";
import {
  claimOf,
  claimSteps,
  hasRetained,
  otherClaims,
  parseStore,
  STORE,
  type Store,
  storeRead,
  unclaim,
} from "../host/store.ts";
import { hasContainer, isPolicyStillNeeded } from "../tools/containers.ts";
import { isUnlabelled, parseDomainXml } from "../tools/domain-xml.ts";
import { LXC_CONF, missing, withOriginal, withRequired } from "../tools/lxc-conf.ts";
import {
  gatewayOf,
  isCanonical,
  markNetwork,
  NETWORK_OWNER,
  type NetworkInfo,
  networksRead,
  networkXml,
  parseNetworks,
  type Reservation,
  startNetwork,
} from "../tools/network.ts";
import { PIPED } from "../tools/selinux.ts";
import { VETH_LINK, vethLink } from "../tools/veth-link.ts";
import { domainsRead, EXIT_UNAVAILABLE, parseDomains, virsh } from "../tools/virsh.ts";
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
  unread?: boolean;
  /** udev leaves the MACs of containers alone. */
  udevLink: boolean;
  network?: Pick<NetworkInfo, "subnet" | "active" | "autostart" | "owner" | "forward">;
  claim?: Claim;
  host?: {
    store: Store;
    lxcConf: string;
    /** As it was before the first claim, if it was changed. */
    original?: string;
    reservations: Reservation[];
    /** Others' domains that lxc.conf, as we need it, would have confined or kept from starting. */
    unlabelled: string[];
    /** A container stays here without a stack. */
    remaining: boolean;
  };
}

interface Outputs {
  gateway: string;
}

const CLAIM = "libvirt";
/** How containers reach the outside. */
const FORWARD = "nat";
/** lxc.conf as it was before the first claim; the last one out puts back what it said of our keys. */
const ORIGINAL = `${STORE}/lxc.conf.original`;

/** lxc.conf is being written, and libvirt has to read it. A boot does that as well. */
const UNREAD = "/run/svirt-lxc/lxc.conf.unread";

// libvirtd.service may end when nobody needs it: its socket starts it again.
const STATE = `
echo "@os"; cat /etc/os-release
echo "@packages"; dpkg-query -W -f '\${db:Status-Status} \${Package}\\n' 2>/dev/null | sed -n 's/^installed //p'
echo "@units"; systemctl is-enabled --quiet libvirtd.service && systemctl is-active --quiet libvirtd.socket && echo up
echo "@link"; cat ${VETH_LINK} 2>/dev/null; echo
echo "@unread"; [ ! -e ${UNREAD} ] || echo yes
[ ! -e ${ORIGINAL} ] || { echo "@original"; cat ${ORIGINAL}; echo; }
echo "@lxc.conf"; cat ${LXC_CONF} 2>/dev/null
:`;
// Other users of apt, such as unattended upgrades, hold its lock for minutes: it is waited for (apt.conf(5), DPkg::Lock::Timeout).
const APT_LOCK_TIMEOUT = 600;
const INSTALL = `export DEBIAN_FRONTEND=noninteractive; i() { apt-get install -y --no-install-recommends -oDPkg::Lock::Timeout=${APT_LOCK_TIMEOUT} "$@"; }; i "$@" || { apt-get update && i "$@"; }`;
// A daemon that runs loads no driver that was installed meanwhile.
const START = 'systemctl enable "$@" && systemctl restart "$@"';
const READ_CONF = `systemctl restart "$@" && rm -f ${UNREAD}`;
const KEEP_ORIGINAL = `: >${UNREAD} && mkdir -p ${STORE} && { [ -e ${ORIGINAL} ] || cp -p ${LXC_CONF} ${ORIGINAL} 2>/dev/null || : >${ORIGINAL}; }`;
const WRITE = `${PIPED}
mkdir -p "\${1%/*}" && cat >"$1.new" && chmod 0644 "$1.new" && piped restorecon "$1.new" && mv "$1.new" "$1"`;
const write = (file: string) => ["sh", "-c", WRITE, "sh", file];
const RESTORE = `rm -f ${UNREAD}; ${WRITE} && rm ${ORIGINAL}`;

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
    { key: "libvirt", argv: ["sh", "-c", STATE] },
    { ...networksRead, ok: [0, EXIT_UNAVAILABLE] },
    { ...domainsRead, ok: [0, EXIT_UNAVAILABLE], unavailableExitCodes: [] },
  ],
  parse(results, { owner, network }) {
    const part = (name: string) =>
      results
        .get("libvirt")!
        .stdout.split(/^(?=@[\w.]+$)/m)
        .find((p) => p.startsWith(`@${name}\n`))
        ?.slice(name.length + 2);
    const os = parseOsRelease(part("os") ?? "");
    const family = familyOf(os);
    const installed = new Set(part("packages")?.split("\n"));
    const store = parseStore(results.get("store")!);
    const others = [...parseDomains(results.get("domains")!)].filter(([, { xml }]) => !parseDomainXml(xml).owner);
    const unlabelled = others.filter(([, { xml }]) => isUnlabelled(xml)).map(([name]) => name);
    const found = parseNetworks(results.get("networks")!).get(network);
    return {
      os,
      missingPackages: "unsupported" in family ? [] : family.packages.filter((p) => !installed.has(p)),
      answers: results.get("networks")!.exit === 0,
      idleUnits: part("units")?.includes("up") ? [] : ["libvirtd.service"],
      missingSettings: missing(part("lxc.conf") ?? ""),
      unread: part("unread")?.includes("yes"),
      udevLink: part("link")?.trim() === vethLink.trim(),
      network: found && pick(found),
      claim: claimOf(store, CLAIM, owner) as Claim | undefined,
      host: {
        store,
        lxcConf: part("lxc.conf") ?? "",
        original: part("original")?.slice(0, -1), // but the line feed of the look
        reservations: found?.reservations ?? [],
        unlabelled,
        remaining: isPolicyStillNeeded(results),
      },
    };
  },

  exists: ({ claim }) => claim !== undefined,
  existing({ network }, { network: name, subnet }) {
    if (!network || network.owner === NETWORK_OWNER) return undefined;
    return {
      what: `libvirt has a network ${name}`,
      owner: network.owner,
      differences: () =>
        differences({ subnet: network.subnet, forward: network.forward }, { subnet, forward: FORWARD }),
    };
  },
  precondition({ os, missingSettings, host }, desired, prior) {
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
    for (const [other, wish] of otherClaims(host!.store, CLAIM, desired.owner, prior?.owner)) {
      const theirs = wish as Claim;
      if (theirs.network === desired.network && theirs.subnet !== desired.subnet) {
        return {
          code: "subnet-in-use",
          what: `the network ${desired.network} is shared with a stack that wants another subnet`,
          why: `${other} wants ${theirs.subnet}, this one ${desired.subnet}`,
          remedy: "agree on one subnet, or give one of them a network of another name",
        };
      }
    }
    return undefined;
  },

  plan(observed, desired, prior) {
    const { os, answers, missingPackages, idleUnits, missingSettings, unread, udevLink, network, claim, host } =
      observed;
    const { retain } = desired;
    const wish: Claim = { network: desired.network, subnet: desired.subnet, ...(retain && { retain }) };
    const steps = claimSteps(claim, host?.store, CLAIM, desired.owner, wish, prior?.owner);
    const act = (id: string, title: string, argv: string[], more: Partial<Step> = {}) =>
      steps.push({ id, title, argv, ...more });
    const services = servicesOf(os);

    if (missingPackages.length > 0)
      act(
        "install-packages",
        `Installing ${missingPackages.join(" ")}`,
        ["sh", "-c", INSTALL, "sh", ...missingPackages],
        {
          subject: missingPackages.join(" "),
          // Each of two attempts waits.
          timeout: 2 * APT_LOCK_TIMEOUT + 1200,
        },
      );
    if (missingPackages.length > 0 || idleUnits.length > 0 || !answers) {
      act("start-libvirt", "Starting libvirt, now and at every boot", ["sh", "-c", START, "sh", ...services]);
      return steps; // the rest is planned on what the packages brought, and on what libvirt can be asked for when it runs
    }

    if (!udevLink)
      act("write-udev-link", "Telling udev to leave the MACs of containers alone", write(VETH_LINK), {
        stdin: vethLink,
      });
    if (missingSettings.length > 0) {
      act("save-lxc-conf", "Saving lxc.conf as it was", ["sh", "-c", KEEP_ORIGINAL]);
      act("configure-lxc", `Setting ${missingSettings.join(", ")} in lxc.conf`, write(LXC_CONF), {
        subject: missingSettings.join(" "),
        stdin: withRequired(host?.lxcConf ?? ""),
      });
    }
    if (missingSettings.length > 0 || unread)
      act("restart-libvirt", "Restarting libvirt, which reads lxc.conf", ["sh", "-c", READ_CONF, "sh", ...services]);

    const changed = network && (network.subnet !== desired.subnet || network.forward !== FORWARD);
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
        stdin: networkXml({ name: desired.network, subnet: desired.subnet }, NETWORK_OWNER, host?.reservations),
      });
    }
    if (network && !changed && network.owner !== NETWORK_OWNER) steps.push(markNetwork(desired.network));
    if (!network?.autostart || changed)
      act("autostart-network", "Enabling the start of the network at boot", virsh("net-autostart", desired.network));
    if (!network?.active || changed) steps.push(startNetwork(desired.network));
    return steps;
  },

  remove({ os, answers, missingPackages, network, claim, host }, { owner, network: name }) {
    if (!claim) return [];
    // Where it was never installed, or is no more, it has none.
    if (!answers && missingPackages.length === 0)
      return [
        {
          id: "start-libvirt",
          title: "Starting libvirt, which has a network to remove",
          argv: ["systemctl", "restart", ...servicesOf(os)],
        },
      ];
    const steps: Step[] = [];
    const others = [...otherClaims(host!.store, CLAIM, owner).values()] as Claim[];
    const { store, lxcConf, original, remaining } = host!;
    // Not so with any container that remains: it may be about to move to another network, by a stack that replaces this one.
    if (network?.owner === NETWORK_OWNER && !hasRetained(store) && !others.some((o) => o.network === name)) {
      if (network.active)
        steps.push({ id: "stop-network", title: "Stopping the network", argv: virsh("net-destroy", name) });
      steps.push({ id: "remove-network", title: "Removing the network", argv: virsh("net-undefine", name) });
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
      const argv = ["systemctl", "try-restart", ...servicesOf(os)];
      steps.push({
        id: "restart-libvirt",
        title: "Restarting libvirt, which reads lxc.conf",
        argv,
        ok: [0, NO_SUCH_UNIT],
      });
      steps.push({
        id: "remove-udev-link",
        title: "Removing the rule of udev for the MACs of containers",
        argv: ["rm", "-f", VETH_LINK],
      });
    }
    return [...steps, unclaim(CLAIM, owner)];
  },
  listOwned: (results) =>
    [...(parseStore(results.get("store")!).claims.get(CLAIM) ?? [])]
      .map(([owner, wish]) => ({ owner, adopt: false, confineOthers: false, retain: false, ...(wish as Claim) }))
      .filter((claim) => !claim.retain && !hasContainer(results, claim.owner)),
  outputs: (_, { subnet }) => ({ gateway: gatewayOf(subnet) }),
  actualInputs: ({ network }, inputs) => ({ subnet: network?.subnet ?? inputs.subnet }),
};

/** What systemctl says of a unit that is not there (systemctl(1), exit status). */
const NO_SUCH_UNIT = 5;

function servicesOf(os: OsRelease): readonly string[] {
  const family = familyOf(os);
  return "unsupported" in family ? [] : family.services;
}

// Reservations change with each container, and are not for state.
function pick({ subnet, active, autostart, owner, forward }: NetworkInfo): Observed["network"] {
  return { subnet, active, autostart, owner, forward };
}

/** What a stack wants of libvirt. */
interface Claim {
  network: string;
  subnet: string;
  /** It stays when its stack goes. */
  retain?: boolean;
}

export type LibvirtServiceArgs = Args<typeof schema>;

/**
 * libvirt's LXC driver runs, now and after a reboot; it confines every domain by SELinux and refuses unconfined ones; and
 * there is a NAT network for containers. It is shared by all stacks that use the host. The last one out removes the network
 * and udev's file, and puts lxc.conf back; packages stay.
 */
export class LibvirtService extends HostResource {
  /** The host's address in the network. */
  declare readonly gateway: pulumi.Output<string>;

  constructor(name: string, args: LibvirtServiceArgs, opts?: pulumi.CustomResourceOptions) {
    super("LibvirtService", name, { retain: opts?.retainOnDelete, ...args }, ["gateway"], [], opts);
  }
}
