import { removeProof } from "../../confinement/guard.ts";
import { factsOf } from "../../confinement/statement.ts";
import { equalAsJson } from "../../engine/check.ts";
import type { Step } from "../../host/batch.ts";
import { limitsOf } from "../../limits/index.ts";
import { awaitBoot } from "../../tools/await-boot.ts";
import { changedParts, type DomainValues, NAMESPACE } from "../../tools/domain-parts.ts";
import { domainXml, type FoundDomain, LIVE_METADATA, metadataXml } from "../../tools/domain-xml.ts";
import { release, reserve } from "../../tools/network.ts";
import { removeContainerRules, writeContainerRules } from "../../tools/network-rules.ts";
import { signFacts } from "../../tools/signer.ts";
import { fitMemory, removeSlice, setLimits, unkeptLimits } from "../../tools/slice.ts";
import { stopGracefully, virsh } from "../../tools/virsh.ts";
import { type Inputs, reservationOf, rulesOf, specOf } from "./inputs.ts";
import { isReserved, type Observed } from "./observed.ts";

/** What makes a container what it is declared to be; `prior` is what was declared before. */
export function plan(observed: Observed, desired: Inputs, prior?: Inputs): Step[] {
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
}

/** What removes a container that is ours. */
export function remove(
  { domain, running, limits, reservations, elsewhere, ruledIn }: Observed,
  { name, network, owner }: Inputs,
): Step[] {
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
}

/** Does the domain's definition say something else in what takes effect by a restart, or more than the spec? */
function isDefinedOtherwise(domain: FoundDomain, spec: DomainValues): boolean {
  return changedParts(domain, spec, "restart").length > 0 || (domain.extras ?? []).length > 0;
}

/** Signs what was found of it. A plan that is made of a state, which does not tell that, is never carried out. */
export function signFound({ host }: Observed, name: string): Step {
  return signFacts(name, factsOf(host?.checks ?? []), host?.evidence ?? "");
}
