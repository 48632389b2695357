import { z } from "zod";
import { sha256 } from "../host/digest.ts";
import { PREDICATE_TYPE, STATEMENT_TYPE } from "../tools/signer.ts";
import type { Check } from "./judge.ts";

/*
 * What is signed of a container: an in-toto statement (https://github.com/in-toto/attestation, Statement v1) whose subject is what
 * was found, by its digest. The host writes it (tools/signer.ts) of a text of facts, which the guard of starts or an `up` hands over.
 */

/** A statement as the host writes it. */
export const statementSchema = z.object({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.tuple([z.object({ name: z.string(), digest: z.object({ sha256: z.string() }) })]),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate: z.object({
    /** When it was looked at: at each start, by the guard, or by an `up`. */
    occasion: z.enum(["start", "look"]),
    /** When it was signed, which is as soon as the host gets to it. */
    time: z.iso.datetime(),
    verdict: z.enum(["confined", "not confined"]),
    checks: z.array(z.object({ what: z.string(), found: z.string(), faults: z.array(z.string()) })).min(1),
    /** Its machine-id(5), the id of its boot (random(4)), and the release of its kernel. */
    host: z.object({ name: z.string(), machine: z.string(), boot: z.string(), kernel: z.string() }),
    /** The digest of the whole policy that the kernel had loaded when it was signed (/sys/fs/selinux/policy). */
    policy: z.object({ sha256: z.string() }),
    /** The packages by which the confinement stands, with their versions. */
    packages: z.record(z.string(), z.string()),
  }),
});
export type Statement = z.infer<typeof statementSchema>;

/** The text of what was found: a line each, of what was looked at, what was found, and what is wrong with it, separated by tabs. */
export function factsOf(checks: readonly Check[]): string {
  const plain = (text: string) => text.replaceAll(/[\p{Cc}\s]+/gu, " ");
  return checks.map(({ what, found, faults }) => `${[what, found, ...faults].map(plain).join("\t")}\n`).join("");
}

/** The digest by which a statement, and the state, name what was found. */
export function digestOf(checks: readonly Check[]): string {
  return sha256(factsOf(checks));
}
