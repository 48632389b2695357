import type * as pulumi from "@pulumi/pulumi";
import { deniedTo } from "../../confinement/denials.ts";
import { evidenceRead } from "../../confinement/evidence.ts";
import { proofsRead } from "../../confinement/guard.ts";
import { differences } from "../../engine/adopt.ts";
import type { Kind } from "../../engine/kind.ts";
import { HostResource } from "../../engine/resource.ts";
import { DEFAULT_LIMITS, limitsOf } from "../../limits/index.ts";
import { completeContainers } from "../../tools/containers.ts";
import { macOf } from "../../tools/domain-xml.ts";
import { domainsRead, parseDomains } from "../../tools/domains.ts";
import { networksRead, parseNetworks } from "../../tools/network.ts";
import { networkRulesRead } from "../../tools/network-rules.ts";
import { mountedRoot } from "../../tools/root-mount.ts";
import { signedRead } from "../../tools/signer.ts";
import { impossibleLimit, slicesRead } from "../../tools/slice.ts";
import { destroyDomain, virsh } from "../../tools/virsh.ts";
import { actualInputs, undeclared } from "./drift.ts";
import { DEFAULT_REACH, type Inputs, type LxcDomainArgs, schema, specOf } from "./inputs.ts";
import { type Observed, observe } from "./observed.ts";
import { plan, remove, signFound } from "./plan.ts";

export { type LxcDomainArgs, restartSchema } from "./inputs.ts";

interface Outputs {
  labels: string[];
  verdict: string;
  evidence?: string;
  mac: string;
}

export const lxcDomain: Kind<Inputs, Observed, Outputs> = {
  token: "LxcDomain",
  schema,
  hostName: ({ name }) => name,
  id: ({ name }) => name,
  replaces: ["name", "rootfs"],
  createOnly: ["adopt"],

  reads: (name) => [
    domainsRead(name),
    networksRead,
    slicesRead,
    networkRulesRead,
    evidenceRead(name),
    proofsRead,
    signedRead,
  ],
  parse: observe,

  exists: ({ domain }, { owner }) => domain?.owner === owner,
  existing(observed, desired) {
    const { domain } = observed;
    if (!domain) return undefined;
    return {
      what: `libvirt has a domain ${desired.name}`,
      owner: domain.owner,
      differences: () =>
        differences(
          { ...actualInputs(observed, desired), drift: undeclared(domain, specOf(desired)) },
          { ...desired, drift: [] },
        ),
    };
  },
  precondition({ reservations, limits }, desired) {
    const { name, address } = desired;
    const impossible = impossibleLimit(limits, limitsOf(desired));
    if (impossible) {
      const [limit, controller] = impossible;
      return {
        code: "limit-unavailable",
        what: `the host cannot limit ${limit} of a container`,
        why: `its kernel has no controller ${controller} (/sys/fs/cgroup/cgroup.controllers: ${limits.controllers.join(" ") || "none"})`,
        remedy: `boot a kernel that has it, with control groups of version 2, or leave out ${limit}`,
      };
    }
    const foreign = reservations.find((r) => r.foreign);
    if (foreign) {
      return {
        code: foreign.name === name ? "name-reserved" : "address-reserved",
        what: `the ${foreign.name === name ? `name ${name}` : `address ${address}`} is reserved for another machine`,
        why: `the network keeps ${foreign.ip} for ${foreign.name ?? "it"} (${foreign.mac})`,
        remedy:
          foreign.name === name
            ? "choose another name, or a network of its own"
            : "let the address follow from the root's slot, as LxcContainer does",
      };
    }
    return undefined;
  },

  plan,

  verify(observed, { name, label }) {
    const { running, verdict } = observed;
    if (!running || verdict?.confined) return undefined;
    return {
      problem: {
        code: "not-confined",
        what: `the container ${name} is not confined; it was stopped`,
        why: verdict?.reasons.join("\n") ?? "nothing could be seen of it",
        remedy: `every process must run as ${label}; find out what started it otherwise, then run \`pulumi up\` again`,
      },
      containment: [
        destroyDomain({ id: "destroy-domain", title: "Stopping the unconfined container" }, name),
        {
          id: "disable-autostart",
          title: "Disabling the start of the container at boot",
          argv: virsh("autostart", name, "--disable"),
        },
        ...(observed.unsigned ? [signFound(observed, name)] : []),
      ],
    };
  },

  afterFailure: ({ label }) => deniedTo(label.split(":").slice(3).join(":")),

  remove,

  listOwned(results) {
    const networks = [...parseNetworks(results.get("networks")!).values()];
    const whole = [...completeContainers(results)].map(mountedRoot);
    return [...parseDomains(results.get("domains")!)].flatMap(([name, info]) => {
      const { owner, retain, network = "none", root = "/", label = "", idmap } = info.next;
      if (owner === undefined || retain || whole.includes(root)) return [];
      const address =
        networks.find((n) => n.name === network)?.reservations.find((r) => r.name === name)?.ip ?? "0.0.0.0";
      const nowhere = { start: 1, count: 1 };
      const rest = {
        ...DEFAULT_LIMITS,
        ...DEFAULT_REACH,
        retain: false,
        adopt: false,
        rootfs: "unknown",
        revision: 0,
        restart: "never" as const,
      };
      return [{ ...rest, owner, name, network, address, label, path: root, idmap: idmap ?? nowhere }];
    });
  },

  outputs: (observed, { address }) => ({
    labels: observed.verdict?.labels ?? [],
    verdict: verdictText(observed),
    ...(observed.host?.evidence !== undefined && { evidence: observed.host.evidence }),
    mac: macOf(address),
  }),
  unavailableOutputs: { labels: [], verdict: "unknown: libvirt does not run" },
  notices: ({ host }) =>
    host && host.visitors.length > 0
      ? [`processes of the host are in the container, which is not restarted for it: ${host.visitors.join(", ")}`]
      : [],
  actualInputs,
};

function verdictText({ verdict, enforcing }: Observed): string {
  if (verdict) return verdict.confined ? "confined" : `unconfined: ${verdict.reasons.join("; ")}`;
  return enforcing ? "not running" : "not running: SELinux is not enforcing, and then no root is mounted at boot";
}

/**
 * A libvirt LXC domain with a static SELinux label, started and proven: it counts as created only when every one of its
 * processes, seen from the host, has that label and a mapped user, under an enforcing policy. A container that is not
 * confined is stopped, and the create fails with the reason.
 */
export class LxcDomain extends HostResource {
  /** The distinct labels of its processes, as read from the kernel. */
  declare readonly labels: pulumi.Output<string[]>;
  /** "confined", or what is wrong. */
  declare readonly verdict: pulumi.Output<string>;
  /** The digest of what was found of its confinement, by which the host's signed statement of it names it; undefined if it does not run. */
  declare readonly evidence: pulumi.Output<string | undefined>;
  declare readonly mac: pulumi.Output<string>;
  declare readonly address: pulumi.Output<string>;
  declare readonly address6: pulumi.Output<string | undefined>;

  constructor(name: string, args: LxcDomainArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "LxcDomain",
      name,
      { retain: opts?.retainOnDelete, ...args },
      ["labels", "verdict", "evidence", "mac"],
      [],
      opts,
    );
  }
}
