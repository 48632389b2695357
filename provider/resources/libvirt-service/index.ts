import type * as pulumi from "@pulumi/pulumi";
import { differences } from "../../engine/adopt.ts";
import type { Kind } from "../../engine/kind.ts";
import { HostResource } from "../../engine/resource.ts";
import { familyOf, systemRead } from "../../families/index.ts";
import { hostName } from "../../host/connection.ts";
import { DAMAGED, damageOf } from "../../host/records.ts";
import { claimPath, claimsOf, otherClaims, parseStore, storeRead } from "../../host/store.ts";
import { hasContainer } from "../../tools/containers.ts";
import { domainsRead } from "../../tools/domains.ts";
import { firewallProblem, firewallRead, firewallText } from "../../tools/firewall.ts";
import { gatewayOf, NETWORK_OWNER, networksRead } from "../../tools/network.ts";
import { networkRulesRead } from "../../tools/network-rules.ts";
import { EXIT_UNAVAILABLE } from "../../tools/virsh.ts";
import {
  CLAIM,
  claimSchema,
  declared,
  definitionOf,
  type Inputs,
  type LibvirtServiceArgs,
  schema,
  subnetsOf,
} from "./inputs.ts";
import { type Observed, observe, STATE } from "./observed.ts";
import { plan, remove } from "./plan.ts";

export type { LibvirtServiceArgs } from "./inputs.ts";

interface Outputs {
  gateway: string;
  evidenceKey?: string;
}

/** Inputs that mean nothing to a removal. */
const REMOVED = { adopt: false, confineOthers: false, retain: false, firewall: "ready" as const };

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
  parse: observe,

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

  plan,
  remove,
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
