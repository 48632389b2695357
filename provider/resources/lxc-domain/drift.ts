import { equalAsJson } from "../../engine/check.ts";
import { limitsOf } from "../../limits/index.ts";
import { changedParts, type DomainValues } from "../../tools/domain-parts.ts";
import type { FoundDomain } from "../../tools/domain-xml.ts";
import { formatMemory, parseMemory } from "../../tools/memory.ts";
import type { ContainerRules } from "../../tools/network-rules.ts";
import { actualLimits } from "../../tools/slice.ts";
import { type Inputs, rulesOf, specOf } from "./inputs.ts";
import { isReserved, type Observed, shown } from "./observed.ts";

/** The inputs as they are on the host, and drift that is of none of them. */
export function actualInputs(observed: Observed, inputs: Inputs): Partial<Inputs> & { drift?: string[] } {
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

/** What a definition says that no input does. */
export function undeclared(domain: FoundDomain, spec: DomainValues): string[] {
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
