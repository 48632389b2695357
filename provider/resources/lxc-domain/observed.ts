import { parseAddress, parseAttached, parseEnforcing, parseEvidence } from "../../confinement/evidence.ts";
import { parseRefusal } from "../../confinement/guard.ts";
import { type Check, checks, judge, type Verdict } from "../../confinement/judge.ts";
import { digestOf } from "../../confinement/statement.ts";
import { equalAsJson } from "../../engine/check.ts";
import type { Results } from "../../host/batch.ts";
import { changedParts, type DomainValues, type PartName } from "../../tools/domain-parts.ts";
import { type FoundDomain, macOf } from "../../tools/domain-xml.ts";
import { parseDomainNames, parseDomains } from "../../tools/domains.ts";
import { NETWORK_OWNER, parseNetworks, type Reservation } from "../../tools/network.ts";
import { type ContainerRules, containerRulesOf, networksOf, parseNetworkRules } from "../../tools/network-rules.ts";
import { parseSigned } from "../../tools/signer.ts";
import { type FoundLimits, parseSlices } from "../../tools/slice.ts";
import { type Inputs, reservationOf, specOf } from "./inputs.ts";

export interface Observed {
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

/** What the looks at the host say of a container. */
export function observe(results: Results, inputs: Inputs): Observed {
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
}

/** Does the DHCP server keep for it what it is to keep? */
export function isReserved({ reservations }: Observed, inputs: Inputs): boolean {
  return reservations.some((r) => equalAsJson(r, reservationOf(inputs)));
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

/** What is found of a part, as a text. */
export function shown(found: unknown): string | undefined {
  if (Array.isArray(found)) return found.join(" ").slice(0, 200);
  return typeof found === "object" ? JSON.stringify(found) : found === undefined ? undefined : String(found);
}

// The number of processes, and who came in from outside, change by themselves and have no place in state.
function verdictOf(verdict: Verdict | undefined): Observed["verdict"] {
  if (!verdict)
    return { confined: false, reasons: ["libvirt says that it runs, but no process of it could be found"], labels: [] };
  const { confined, reasons, labels } = verdict;
  return { confined, reasons, labels };
}
