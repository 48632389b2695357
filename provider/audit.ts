import { evidenceRead, parseEvidence } from "./confinement/evidence.ts";
import { parseRefusal, proofsRead } from "./confinement/guard.ts";
import { type Check, checks } from "./confinement/judge.ts";
import { requireAnswers, uniqueReads } from "./engine/observe.ts";
import type { Connection } from "./host/connection.ts";
import { Session } from "./host/session.ts";
import { domainsRead, parseDomains } from "./tools/domains.ts";

/** A container, as the state of a stack declares it: inputs of its LxcDomain. */
export interface Declared {
  name: string;
  connection?: Connection;
  label: string;
  idmap: { start: number; count: number };
  address?: string;
}

/** What was found of one container. */
export interface Audit {
  host: string;
  container: string;
  confined: boolean;
  /** Each piece of evidence; one, if it does not run. */
  checks: Check[];
}

/** Looks at running containers, and changes nothing; one round trip a host. Throws a HostError if a host cannot be looked at. */
export async function audit(containers: readonly Declared[]): Promise<Audit[]> {
  const hosts = Map.groupBy(containers, ({ connection }) => JSON.stringify(connection ?? {}));
  const found = await Promise.all([...hosts.values()].map(auditHost));
  return found.flat();
}

async function auditHost(containers: readonly Declared[]): Promise<Audit[]> {
  const session = new Session(containers[0]!.connection ?? {});
  const reads = uniqueReads([...containers.flatMap(({ name }) => [domainsRead(name), evidenceRead(name)]), proofsRead]);
  const { results } = await session.observe(reads, "audit");
  requireAnswers("its containers", session, reads, results);
  const domains = parseDomains(results.get("domains")!);
  return containers.map(({ name, label, idmap }) => {
    const live = domains.get(name)?.live;
    const evidence = live && parseEvidence(results.get("evidence")!, name, idmap);
    const all = evidence ? checks(evidence, { label, idmap }) : [stopped(parseRefusal(results.get("proofs")!, name))];
    const confined = all.every(({ faults }) => faults.length === 0);
    return { host: session.host, container: name, confined, checks: all };
  });
}

function stopped(refusal: string | undefined): Check {
  const why = refusal === undefined ? [] : [`its last start was ended: ${refusal}`];
  return { what: "state", found: "not running", faults: ["it does not run", ...why] };
}

/** The same for people: a line for each piece of evidence. */
export function auditText(audits: readonly Audit[]): string {
  return audits
    .map(({ host, container, confined, checks }) =>
      [
        `${container} on ${host}: ${confined ? "confined" : "NOT CONFINED"}`,
        ...checks.flatMap(({ what, found, faults }) => [
          `  ${faults.length > 0 ? "✗" : "✓"} ${what.padEnd(13)} ${found}`,
          ...faults.map((fault) => `    ${fault}`),
        ]),
      ].join("\n"),
    )
    .join("\n\n");
}
