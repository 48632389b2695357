import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { evidenceRead, parseAddress, parseAttached, parseEnforcing, parseEvidence } from "../confinement/evidence.ts";
import { judge, type Verdict } from "../confinement/judge.ts";
import { differences } from "../engine/adopt.ts";
import { equalAsJson } from "../engine/check.ts";
import type { Kind } from "../engine/kind.ts";
import { type Args, HostResource } from "../engine/resource.ts";
import type { Step } from "../host/batch.ts";
import { awaitBoot } from "../tools/await-boot.ts";
import { completeContainers } from "../tools/containers.ts";
import {
  type DomainSpec,
  domainXml,
  type FoundDomain,
  macOf,
  NAMESPACE,
  ownershipXml,
  parseDomainXml,
} from "../tools/domain-xml.ts";
import { formatMemory, parseMemory } from "../tools/memory.ts";
import { NETWORK_OWNER, networksRead, parseNetworks, type Reservation, release, reserve } from "../tools/network.ts";
import { mountedRoot } from "../tools/root-mount.ts";
import { destroyDomain, domainsRead, parseDomains, stopGracefully, virsh } from "../tools/virsh.ts";
import { adopt, common, containerNameSchema, idMapSchema, retain } from "./common.ts";

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
  /** Most memory that it may use: a whole number of KiB, MiB or GiB. */
  memory: z
    .string()
    .superRefine((text, context) => {
      if (parseMemory(text) === undefined)
        context.addIssue("must be a whole number of KiB, MiB or GiB, such as 512MiB");
    })
    .default("512MiB"),
  /** The libvirt network that it is in. */
  network: z.string().min(1).default("svirt-lxc"),
  /** IPv4 address that the network's DHCP server keeps for it. */
  address: z.ipv4("must be an IPv4 address"),
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
  /** The running domain was started with what the next start uses. */
  current: boolean;
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
  /** Present while somebody is in it who came from the host. */
  host?: { visitors: string[] };
}

interface Outputs {
  labels: string[];
  verdict: string;
  mac: string;
}

export const lxcDomain: Kind<Inputs, Observed, Outputs> = {
  token: "LxcDomain",
  schema,
  hostName: ({ name }) => name,
  id: ({ name }) => name,
  replaces: ["name", "rootfs"],
  createOnly: ["adopt"],

  reads: () => [domainsRead, networksRead, evidenceRead],
  parse(results, inputs) {
    const { name, network, label, idmap, address } = inputs;
    const domains = parseDomains(results.get("domains")!);
    const info = domains.get(name);
    const domain = info && parseDomainXml(info.xml);
    const live = info?.liveXml === undefined ? undefined : parseDomainXml(info.liveXml);
    const running = live !== undefined;
    const current = live !== undefined && equalAsJson(withoutOwnership(live), withoutOwnership(domain!));
    const evidence = running ? parseEvidence(results.get("evidence")!, name, idmap) : undefined;
    const verdict = evidence && judge(evidence, { label, idmap });
    // We made it for a container that is no more, or never came to be.
    const isStale = (r: Reservation) =>
      r.name !== undefined && r.name !== name && r.mac === macOf(r.ip) && !domains.has(r.name);
    const networks = [...parseNetworks(results.get("networks")!).values()];
    const own = networks.find((n) => n.name === network);
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
      current,
      ...(live && !current && { startedWith: startedWith(live, domain!, specOf(inputs)) }),
      elsewhere: elsewhere.filter((r) => r.name === name && r.mac === macOf(r.ip)),
      reservations: (own?.reservations ?? [])
        .filter((r) => r.name === name || r.ip === address || r.mac === macOf(address))
        .map((r) => ({ ...r, foreign: isForeign(r) || undefined })),
      address: running ? parseAddress(results.get("evidence")!, name) : undefined,
      verdict: running ? verdictOf(verdict) : undefined,
      ...(verdict && verdict.visitors.length > 0 && { host: { visitors: verdict.visitors } }),
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
  precondition({ reservations }, { name, address }) {
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

  plan(observed, desired) {
    const { name, network, address, awaitPort } = desired;
    const { domain, running } = observed;
    const steps: Step[] = [];
    const spec = specOf(desired);
    const outdated = !domain || !matchesSpec(domain, spec, functionalKeys(spec));
    const unconfined = observed.verdict !== undefined && !observed.verdict.confined;

    const moved = observed.address !== undefined && observed.address !== address;
    const restart = running && (outdated || !observed.current || !observed.attached || unconfined || moved);
    if (restart) steps.push(stopGracefully(name));
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
    if (domain && !outdated && !matchesSpec(domain, spec, OWNERSHIP_KEYS)) {
      const where = running ? ["--live", "--config"] : ["--config"];
      const argv = virsh("metadata", name, "--uri", NAMESPACE, "--key", "svirt", "--set", ownershipXml(spec), ...where);
      steps.push({ id: "set-owner", title: "Writing the new owner into the domain", argv });
    }
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
    return steps;
  },

  verify({ running, verdict }, { name, label }) {
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
      ],
    };
  },

  remove({ domain, running, reservations, elsewhere }, { name, network, owner }) {
    const steps: Step[] = [];
    const mine = reservations.filter((r) => r.name === name && !r.foreign);
    if (domain?.owner === owner) {
      if (running) steps.push(stopGracefully(name));
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
      const { owner, retain, network = "none", root = "/", label = "", idmap } = parseDomainXml(info.xml);
      if (owner === undefined || retain || whole.includes(root)) return [];
      const address =
        networks.find((n) => n.name === network)?.reservations.find((r) => r.name === name)?.ip ?? "0.0.0.0";
      const nowhere = { start: 1, count: 1 };
      const rest = { retain: false, adopt: false, rootfs: "unknown", memory: "1KiB", revision: 0 };
      return [{ ...rest, owner, name, network, address, label, path: root, idmap: idmap ?? nowhere }];
    });
  },

  outputs: (observed, { address }) => ({
    labels: observed.verdict?.labels ?? [],
    verdict: verdictText(observed),
    mac: macOf(address),
  }),
  unavailableOutputs: { labels: [], verdict: "unknown: libvirt does not run" },
  notices: ({ host }) =>
    host
      ? [`processes of the host are in the container, which is not restarted for it: ${host.visitors.join(", ")}`]
      : [],
  actualInputs(observed, inputs) {
    const { domain, address } = observed;
    if (!domain) return {};
    const memory = domain.memory === parseMemory(inputs.memory) ? inputs.memory : formatMemory(domain.memory);
    const drift = [...undeclared(domain, specOf(inputs)), ...stateDrift(observed, inputs)];
    return {
      memory,
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

function specOf(inputs: Inputs): DomainSpec {
  const { name, owner, retain, path, label, idmap, network, address, memory, revision } = inputs;
  return {
    name,
    owner,
    retain,
    memory: parseMemory(memory)!,
    root: path,
    init: "/sbin/init",
    label,
    idmap,
    mac: macOf(address),
    network,
    revision,
    extras: [],
  };
}

/** Does the domain say all that the spec says, in these parts of it? */
function matchesSpec(domain: FoundDomain, spec: DomainSpec, keys = Object.keys(spec)): boolean {
  return (keys as (keyof DomainSpec)[]).every((key) => equalAsJson(domain[key], spec[key]));
}

/** What the DHCP server is to keep for it. */
function reservationOf({ name, address }: Inputs): Reservation {
  return { mac: macOf(address), ip: address, name };
}

function isReserved({ reservations }: Observed, inputs: Inputs): boolean {
  return reservations.some((r) => equalAsJson(r, reservationOf(inputs)));
}

/** What a definition says that no input does. */
function undeclared({ init, mac, extras = [] }: FoundDomain, spec: DomainSpec): string[] {
  return [
    ...(init === spec.init ? [] : [`os/init=${init ?? "none"}`]),
    ...(mac === spec.mac ? [] : [`devices/interface/mac@address=${mac ?? "none"}`]),
    ...extras,
  ];
}

/** What of its state is not as it should be, each as a property of libvirt's and its value. */
function stateDrift(observed: Observed, inputs: Inputs): string[] {
  const { autostart, running, paused, attached, startedWith = [], reservations, elsewhere, verdict } = observed;
  const kept = reservations.map(({ mac, ip }) => `${ip} for ${mac}`).join(", ");
  return [
    ...(running ? [] : ["state=shut off"]),
    ...(paused ? ["state=paused"] : []),
    ...(autostart ? [] : ["autostart=no"]),
    ...(running && !attached ? ["devices/interface: in no bridge"] : []),
    ...(running && observed.address === undefined ? ["address=none"] : []),
    ...startedWith.map((fact) => `started with ${fact}`),
    ...(isReserved(observed, inputs) ? [] : [`reservation=${kept || "none"}`]),
    ...elsewhere.map(({ network, ip }) => `reservation in ${network}=${ip}`),
    ...(verdict?.reasons ?? []),
  ];
}

/** What the running domain was started with that neither the next start has nor the spec wants. */
function startedWith(live: FoundDomain, next: FoundDomain, spec: DomainSpec): string[] {
  const { extras = [], owner: _, retain: __, ...rest } = live;
  const other = Object.entries(rest).filter(([key, value]) =>
    [next, spec].every((wanted: FoundDomain) => !equalAsJson(value, wanted[key as keyof FoundDomain])),
  );
  return [
    ...other.map(([key, value]) => `${key}=${typeof value === "object" ? JSON.stringify(value) : value}`),
    ...extras.filter((fact) => !next.extras?.includes(fact)),
  ];
}

/** What a domain is, apart from whose it is: the owner can change while it runs. */
const OWNERSHIP_KEYS = ["owner", "retain"];
const functionalKeys = (spec: DomainSpec) => Object.keys(spec).filter((key) => !OWNERSHIP_KEYS.includes(key));
const withoutOwnership = (domain: FoundDomain) => ({ ...domain, owner: undefined, retain: undefined });

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
  declare readonly mac: pulumi.Output<string>;
  declare readonly address: pulumi.Output<string>;

  constructor(name: string, args: LxcDomainArgs, opts?: pulumi.CustomResourceOptions) {
    super("LxcDomain", name, { retain: opts?.retainOnDelete, ...args }, ["labels", "verdict", "mac"], [], opts);
  }
}
