import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { deniedTo } from "../confinement/denials.ts";
import { evidenceRead, parseAddress, parseAttached, parseEnforcing, parseEvidence } from "../confinement/evidence.ts";
import { parseRefusal, proofsRead, removeProof } from "../confinement/guard.ts";
import { type Check, checks, judge, type Verdict } from "../confinement/judge.ts";
import { digestOf, factsOf } from "../confinement/statement.ts";
import { differences } from "../engine/adopt.ts";
import { equalAsJson } from "../engine/check.ts";
import type { Kind } from "../engine/kind.ts";
import { type Args, HostResource } from "../engine/resource.ts";
import type { Step } from "../host/batch.ts";
import { DEFAULT_LIMITS, limitInputs, limitsOf } from "../limits/index.ts";
import { awaitBoot } from "../tools/await-boot.ts";
import { USERLAND } from "../tools/capabilities.ts";
import { completeContainers } from "../tools/containers.ts";
import { changedParts, type DomainValues, NAMESPACE, type PartName } from "../tools/domain-parts.ts";
import { domainXml, type FoundDomain, LIVE_METADATA, macOf, metadataXml } from "../tools/domain-xml.ts";
import { domainsRead, parseDomainNames, parseDomains } from "../tools/domains.ts";
import { INIT } from "../tools/init.ts";
import { formatMemory, parseMemory } from "../tools/memory.ts";
import { NETWORK_OWNER, networksRead, parseNetworks, type Reservation, release, reserve } from "../tools/network.ts";
import {
  type ContainerRules,
  containerRulesOf,
  networkRulesRead,
  networksOf,
  parseNetworkRules,
  reachInputs,
  removeContainerRules,
  writeContainerRules,
} from "../tools/network-rules.ts";
import { mountedRoot } from "../tools/root-mount.ts";
import { parseSigned, signedRead, signFacts } from "../tools/signer.ts";
import {
  actualLimits,
  type FoundLimits,
  fitMemory,
  impossibleLimit,
  parseSlices,
  partitionOf,
  removeSlice,
  setLimits,
  slicesRead,
  unkeptLimits,
} from "../tools/slice.ts";
import { linkLocalOf } from "../tools/subnet6.ts";
import { destroyDomain, stopGracefully, virsh } from "../tools/virsh.ts";
import { adopt, common, containerNameSchema, idMapSchema, retain } from "./common.ts";

/**
 * Whether it is started again when its init, or libvirt's controller of it, was killed: five times in ten minutes at most. A
 * container that powers itself off stays off. Default: "on-failure".
 */
export const restartSchema = z.enum(["on-failure", "never"]).default("on-failure");

const schema = z.strictObject({
  ...common,
  retain,
  adopt,
  /** Name of the domain, unique on the host. */
  name: containerNameSchema,
  /** The identity of the root: an LxcRootfs's id. With another root it is another container. */
  rootfs: z.string().min(1),
  /** Folder of the root, on the host. */
  path: z.string().startsWith("/", "must be an absolute path on the host"),
  /** Context of every process (static sVirt label): user:role:type:level with two categories. */
  label: z
    .string()
    .regex(/^\w+:\w+:\w+:s0:c\d+,c\d+$/, "must be a context such as system_u:system_r:svirt_lxc_sys_t:s0:c0,c512"),
  /** Range of ids of the host that is mapped to 0 and on inside. */
  idmap: idMapSchema,
  ...limitInputs,
  restart: restartSchema,
  /** The libvirt network that it is in. */
  network: z.string().min(1).default("svirt-lxc"),
  /** IPv4 address that the network's DHCP server keeps for it. */
  address: z.ipv4("must be an IPv4 address"),
  /** IPv6 address that it has besides, and may send from. Its root takes it (LxcRootfs's subnet6). It is restarted when this changes. */
  address6: z.ipv6("must be an IPv6 address").optional(),
  ...reachInputs,
  /** Addresses of the containers of its network to which it may open connections. */
  talksTo: z.array(z.union([z.ipv4(), z.ipv6()], "must be an IP address")).default([]),
  /** A TCP port that must be listened on inside before it counts as up. Default: it is up when it has its address. */
  awaitPort: z.int().min(1).max(65535).optional(),
  /** Counts the changes of the root's settings: it is restarted to have them. */
  revision: z.int().min(0).default(0),
});
type Inputs = z.output<typeof schema>;

interface Observed {
  /** What the next start uses; undefined if there is no such domain. */
  domain?: FoundDomain;
  autostart: boolean;
  running: boolean;
  /** It runs, and someone has frozen it. */
  paused: boolean;
  /** Its interface is in a bridge. */
  attached: boolean;
  /** Without, no root is mounted at boot, and so no container starts. */
  enforcing: boolean;
  /** What takes effect by a restart is in effect. */
  current: boolean;
  limits: FoundLimits;
  /** What it may reach. Absent in a network that is not ours. */
  rules?: ContainerRules | "none";
  /** The networks that have rules of it. */
  ruledIn: string[];
  /** Where it was not: what it was started with that nobody wants. */
  startedWith?: string[];
  /** What the DHCP server keeps for its MAC, address or name. */
  reservations: (Reservation & {
    /** It is for something of somebody else's. */
    foreign?: boolean;
  })[];
  /** What other networks of ours keep for it: it was in them before. */
  elsewhere: (Reservation & { network: string })[];
  /** The address that it has, as seen in its own network namespace. */
  address?: string;
  /** Absent if it does not run. */
  verdict?: Pick<Verdict, "confined" | "reasons" | "labels">;
  /** What was found of it is not what its host has signed last. A host without a key signs nothing. */
  unsigned?: true;
  /** Why the host ended its last start, if it did. */
  refusal?: string;
  /** Present while it runs. */
  host?: {
    /** Who is in it and came from the host. */
    visitors: string[];
    /** What was found of it, and its digest, where its host signs it. */
    checks: Check[];
    evidence?: string;
  };
}

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
  parse(results, inputs) {
    const { name, network, label, idmap, address } = inputs;
    const domains = parseDomains(results.get("domains")!);
    const info = domains.get(name);
    const { next: domain, live } = info ?? {};
    const running = live !== undefined;
    const spec = specOf(inputs);
    const stale = live && domain ? staleFacts(live, domain, spec) : undefined;
    const evidence = running ? parseEvidence(results.get("evidence")!, name, idmap) : undefined;
    const found = evidence && checks(evidence, { label, idmap });
    const verdict = evidence && judge(evidence, { label, idmap }, found);
    const signed = parseSigned(results.get("signed")!, name);
    const digest = found && signed !== undefined ? digestOf(found) : undefined;
    // We made it for a container that is no more, or never came to be.
    const isStale = (r: Reservation) =>
      r.name !== undefined &&
      r.name !== name &&
      r.mac === macOf(r.ip) &&
      !parseDomainNames(results.get("domains")!).has(r.name);
    const networks = [...parseNetworks(results.get("networks")!).values()];
    const own = networks.find((n) => n.name === network);
    const written = parseNetworkRules(results.get("network-rules")!);
    // In a network that is not ours, somebody else may have a machine of the same name.
    const isForeign = (r: Reservation) =>
      r.name === name ? own?.owner !== NETWORK_OWNER && r.mac !== macOf(r.ip) : !isStale(r);
    const elsewhere = networks
      .filter((n) => n.name !== network && n.owner === NETWORK_OWNER)
      .flatMap((n) => n.reservations.map((r) => ({ ...r, network: n.name })));
    return {
      domain,
      autostart: info?.autostart ?? false,
      running,
      paused: info?.paused ?? false,
      attached: running && parseAttached(results.get("evidence")!, name),
      enforcing: parseEnforcing(results.get("evidence")!),
      current: stale?.all.length === 0,
      ...(stale && stale.all.length > 0 && { startedWith: stale.unwanted }),
      limits: parseSlices(results.get("slices")!, name),
      ...(own?.owner === NETWORK_OWNER && { rules: containerRulesOf(written, network, name) }),
      ruledIn: networksOf(written, name),
      elsewhere: elsewhere.filter((r) => r.name === name && r.mac === macOf(r.ip)),
      reservations: (own?.reservations ?? [])
        .filter((r) => r.name === name || r.ip === address || r.mac === macOf(address))
        .map((r) => ({ ...r, foreign: isForeign(r) || undefined })),
      address: running ? parseAddress(results.get("evidence")!, name) : undefined,
      verdict: running ? verdictOf(verdict) : undefined,
      ...(digest !== signed && digest !== undefined && { unsigned: true as const }),
      ...(!running && { refusal: parseRefusal(results.get("proofs")!, name) }),
      ...(verdict && found && { host: { visitors: verdict.visitors, checks: found, evidence: digest } }),
    };
  },

  exists: ({ domain }, { owner }) => domain?.owner === owner,
  existing(observed, desired) {
    const { domain } = observed;
    if (!domain) return undefined;
    return {
      what: `libvirt has a domain ${desired.name}`,
      owner: domain.owner,
      differences: () =>
        differences(
          { ...this.actualInputs(observed, desired), drift: undeclared(domain, specOf(desired)) },
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

  plan(observed, desired, prior) {
    const { name, network, address, awaitPort } = desired;
    const { domain, running } = observed;
    const steps: Step[] = [];
    const spec = specOf(desired);
    const limits = limitsOf(desired);
    const unkept = unkeptLimits(observed.limits, limits);
    const isOtherMemory = domain?.memory !== spec.memory;
    const otherwise = !domain || isDefinedOtherwise(domain, spec);
    const outdated = otherwise || isOtherMemory;
    const unconfined = observed.verdict !== undefined && !observed.verdict.confined;
    const moved = observed.address !== undefined && observed.address !== address;
    const restart = running && (otherwise || !observed.current || !observed.attached || unconfined || moved);
    const sign = observed.unsigned ? [signFound(observed, name)] : [];
    // What is to have another label is none that was found to have the wrong one.
    const isAsBefore = !prior || (prior.label === desired.label && equalAsJson(prior.idmap, desired.idmap));
    if (restart) steps.push(stopGracefully(name), ...(unconfined && isAsBefore ? sign : []));
    else if (running && (isOtherMemory || unkept.includes("memory"))) steps.push(fitMemory(name, desired.memory));
    steps.push(...observed.elsewhere.map(({ network, ...r }) => release(network, r)));
    if (!isReserved(observed, desired)) {
      steps.push(...observed.reservations.map((r) => release(network, r)), reserve(network, reservationOf(desired)));
    }
    if (outdated) {
      const xml = domainXml(spec, domain?.uuid);
      steps.push({
        id: domain ? "redefine-domain" : "define-domain",
        title: domain ? "Redefining the domain" : "Defining the domain",
        argv: virsh("define", "/dev/stdin"),
        stdin: xml,
      });
    }
    if (domain && !outdated && changedParts(domain, spec, "live").some((part) => LIVE_METADATA.includes(part))) {
      const where = running ? ["--live", "--config"] : ["--config"];
      const argv = virsh("metadata", name, "--uri", NAMESPACE, "--key", "svirt", "--set", metadataXml(spec), ...where);
      steps.push({ id: "set-metadata", title: "Writing owner and restart into the domain's metadata", argv });
    }
    if (unkept.length > 0) steps.push(setLimits(name, limits));
    const former = observed.ruledIn.filter((other) => other !== network);
    steps.push(...former.map((other) => removeContainerRules(other, name)));
    if (observed.rules && !equalAsJson(observed.rules, rulesOf(desired)))
      steps.push(writeContainerRules(network, name, rulesOf(desired)));
    if (!observed.autostart)
      steps.push({
        id: "enable-autostart",
        title: "Enabling the start of the container at boot",
        argv: virsh("autostart", name),
      });
    if (!running || restart)
      steps.push({ id: "start-container", title: "Starting the container", argv: virsh("start", name) });
    else if (observed.paused)
      steps.push({ id: "resume-container", title: "Resuming the container", argv: virsh("resume", name) });
    if (!running || restart || observed.address !== address) steps.push(awaitBoot({ ...desired, port: awaitPort }));
    // Of one that is about to change, what is found afterwards counts.
    return steps.length > 0 ? steps : sign;
  },

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

  remove({ domain, running, limits, reservations, elsewhere, ruledIn }, { name, network, owner }) {
    const steps: Step[] = [];
    const mine = reservations.filter((r) => r.name === name && !r.foreign);
    if (domain?.owner === owner) {
      if (running) steps.push(stopGracefully(name));
      steps.push(...ruledIn.map((other) => removeContainerRules(other, name)));
      if (limits.kernel || Object.keys(limits.configured).length > 0) steps.push(removeSlice(name));
      steps.push(removeProof(name));
      steps.push({ id: "undefine-domain", title: "Undefining the domain", argv: virsh("undefine", name) });
    }
    if (!domain || domain.owner === owner) {
      steps.push(...mine.map((r) => release(network, r)), ...elsewhere.map(({ network, ...r }) => release(network, r)));
    }
    return steps;
  },

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
  actualInputs(observed, inputs) {
    const { domain, address, limits } = observed;
    if (!domain) return {};
    const unkept = actualLimits(limits, limitsOf(inputs));
    const memory = domain.memory === parseMemory(inputs.memory) ? inputs.memory : formatMemory(domain.memory);
    const drift = [...undeclared(domain, specOf(inputs)), ...unkept.drift, ...stateDrift(observed, inputs)];
    return {
      memory,
      ...unkept.actual,
      ...otherReach(observed, inputs),
      address6: domain.filteredAddresses6?.[0],
      restart: domain.restart,
      label: domain.label ?? "none",
      path: domain.root,
      idmap: domain.idmap ?? undefined,
      network: domain.network ?? "none",
      revision: domain.revision,
      address: address ?? inputs.address,
      ...(drift.length > 0 && { drift }),
    };
  },
};

function specOf(inputs: Inputs): DomainValues {
  const { name, owner, retain, path, label, idmap, network, address, address6, memory, revision, restart } = inputs;
  const mac = macOf(address);
  return {
    ...{ name, owner, retain, label, idmap, network, revision, restart },
    memory: parseMemory(memory)!,
    root: path,
    init: INIT,
    capabilities: USERLAND,
    partition: partitionOf(name),
    mac,
    filteredAddress: address,
    filteredAddresses6: address6 === undefined ? undefined : [address6, linkLocalOf(mac)],
  };
}

/** What a container reaches if nothing is said. */
const DEFAULT_REACH = { ...z.object(reachInputs).parse({}), talksTo: [] };

/** What it is to reach. */
function rulesOf({ address, address6, isolated, hostPorts, talksTo, connections }: Inputs): ContainerRules {
  return { address, address6, isolated, hostPorts, talksTo, connections };
}

/** What it reaches, as far as that is not what it is to reach. */
function otherReach({ rules }: Observed, inputs: Inputs): Partial<Inputs> {
  if (typeof rules !== "object") return {};
  const { address: _, address6: _6, ...wanted } = rulesOf(inputs);
  const others = Object.entries(wanted).filter(
    ([key, value]) => !equalAsJson(value, rules[key as keyof typeof wanted]),
  );
  return Object.fromEntries(others.map(([key]) => [key, rules[key as keyof typeof wanted]]));
}

/** Does the domain's definition say something else in what takes effect by a restart, or more than the spec? */
function isDefinedOtherwise(domain: FoundDomain, spec: DomainValues): boolean {
  return changedParts(domain, spec, "restart").length > 0 || (domain.extras ?? []).length > 0;
}

// A plan that is made of a state, which does not tell what was found, is never carried out.
function signFound({ host }: Observed, name: string): Step {
  return signFacts(name, factsOf(host?.checks ?? []), host?.evidence ?? "");
}

/** What the DHCP server is to keep for it. */
function reservationOf({ name, address }: Inputs): Reservation {
  return { mac: macOf(address), ip: address, name };
}

function isReserved({ reservations }: Observed, inputs: Inputs): boolean {
  return reservations.some((r) => equalAsJson(r, reservationOf(inputs)));
}

/** What a definition says that no input does. */
function undeclared(domain: FoundDomain, spec: DomainValues): string[] {
  const names = {
    init: "os/init",
    capabilities: "features/capabilities",
    mac: "devices/interface/mac@address",
    partition: "resource/partition",
    filteredAddress: "devices/interface/filterref",
    filteredAddresses6: "devices/interface/filterref/parameter",
  };
  const others = changedParts(domain, spec, "restart").filter((part) => part in names);
  const told = others.map((part) => `${names[part as keyof typeof names]}=${shown(domain[part]) ?? "none"}`);
  return [...told, ...(domain.extras ?? [])];
}

function shown(found: unknown): string | undefined {
  if (Array.isArray(found)) return found.join(" ").slice(0, 200);
  return typeof found === "object" ? JSON.stringify(found) : found === undefined ? undefined : String(found);
}

/** What of its state is not as it should be, each as a property of libvirt's and its value. */
function stateDrift(observed: Observed, inputs: Inputs): string[] {
  const {
    autostart,
    running,
    paused,
    attached,
    startedWith = [],
    reservations,
    elsewhere,
    verdict,
    refusal,
    rules,
    ruledIn,
  } = observed;
  const kept = reservations.map(({ mac, ip }) => `${ip} for ${mac}`).join(", ");
  return [
    ...(running ? [] : ["state=shut off"]),
    ...(refusal === undefined ? [] : [`its last start was ended: ${refusal}`]),
    ...(paused ? ["state=paused"] : []),
    ...(autostart ? [] : ["autostart=no"]),
    ...(running && !attached ? ["devices/interface: in no bridge"] : []),
    ...(running && observed.address === undefined ? ["address=none"] : []),
    ...startedWith.map((fact) => `started with ${fact}`),
    ...(isReserved(observed, inputs) ? [] : [`reservation=${kept || "none"}`]),
    ...elsewhere.map(({ network, ip }) => `reservation in ${network}=${ip}`),
    ...(rules === "none" || (rules && !isOf(rules, inputs)) ? ["packet filter=none"] : []),
    ...ruledIn.filter((other) => other !== inputs.network).map((other) => `packet filter in ${other}`),
    ...(verdict?.reasons ?? []),
    ...(verdict?.confined && observed.unsigned ? ["what is found of its confinement is not signed"] : []),
  ];
}

/** Are the rules those of its addresses? */
function isOf(rules: ContainerRules, { address, address6 }: Inputs): boolean {
  return rules.address === address && rules.address6 === address6;
}

/** What the running domain was started with that a restart would change, each fact; and those of them that nobody wants. */
function staleFacts(live: FoundDomain, next: FoundDomain, spec: DomainValues): { all: string[]; unwanted: string[] } {
  const parts = changedParts(live, next, "restart");
  const tell = (part: PartName) => `${part}=${shown(live[part])}`;
  const extras = (live.extras ?? []).filter((fact) => !next.extras?.includes(fact));
  const gone = (next.extras ?? []).filter((fact) => !live.extras?.includes(fact));
  const unwanted = parts.filter((part) => !equalAsJson(live[part], spec[part]));
  return { all: [...parts.map(tell), ...extras, ...gone], unwanted: [...unwanted.map(tell), ...extras] };
}

// The number of processes, and who came in from outside, change by themselves and have no place in state.
function verdictOf(verdict: Verdict | undefined): Observed["verdict"] {
  if (!verdict)
    return { confined: false, reasons: ["libvirt says that it runs, but no process of it could be found"], labels: [] };
  const { confined, reasons, labels } = verdict;
  return { confined, reasons, labels };
}

function verdictText({ verdict, enforcing }: Observed): string {
  if (verdict) return verdict.confined ? "confined" : `unconfined: ${verdict.reasons.join("; ")}`;
  return enforcing ? "not running" : "not running: SELinux is not enforcing, and then no root is mounted at boot";
}

export type LxcDomainArgs = Args<typeof schema>;

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
