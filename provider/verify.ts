import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { digestOf, type Statement, statementSchema } from "./confinement/statement.ts";
import { SIGNER } from "./tools/signer.ts";

/** A statement of a log, with whether it is one that a host with a known key has signed. */
export interface Verified {
  /** The line of the log that it is in. */
  line: number;
  statement?: Statement;
  /** What is wrong with it; undefined if it is genuine. */
  fault?: string;
}

/** A statement is one line; its signature follows, as `ssh-keygen -Y sign` writes it. */
const ENTRY = /^(.+)\n(-----BEGIN SSH SIGNATURE-----\n[A-Za-z0-9+/=\n]+-----END SSH SIGNATURE-----)\n?/;

/**
 * Verifies each statement of a log by ssh-keygen(1): it is genuine if one of the keys, as "ssh-ed25519 AAAA…", has signed just this,
 * for this purpose. Whether what it says is good is another matter. What is no statement with a signature is a fault, too.
 */
export async function verify(log: string, keys: readonly string[]): Promise<Verified[]> {
  const folder = await mkdtemp(join(tmpdir(), "svirt-lxc-verify-"));
  try {
    const allowed = join(folder, "allowed_signers");
    await writeFile(allowed, keys.map((key) => `${SIGNER} namespaces="${SIGNER}" ${key}\n`).join(""));
    const all: Verified[] = [];
    for (const { line, text, signature } of entriesOf(log)) {
      if (signature === undefined) all.push({ line, fault: "it is no statement with its signature" });
      else all.push({ line, ...(await verifyEntry(text, signature, { allowed, folder })) });
    }
    return all;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The entries of a log, and what is none up to the next line that might begin one. */
function* entriesOf(log: string): Generator<{ line: number; text: string; signature?: string }> {
  for (let rest = log, line = 1; rest !== ""; ) {
    const [whole, text = "", signature] = ENTRY.exec(rest) ?? /^.*\n*(?:(?!\{).*\n*)*/.exec(rest)!;
    if (whole.trim() !== "") yield { line, text, signature };
    line += whole.split("\n").length - 1;
    rest = rest.slice(whole.length);
  }
}

async function verifyEntry(
  text: string,
  signature: string,
  { allowed, folder }: { allowed: string; folder: string },
): Promise<Omit<Verified, "line">> {
  const file = join(folder, "signature");
  await writeFile(file, `${signature}\n`);
  const args = ["-Y", "verify", "-f", allowed, "-I", SIGNER, "-n", SIGNER, "-s", file];
  const { failed, code, stderr } = await execa("ssh-keygen", args, { input: `${text}\n`, reject: false });
  if (code === "ENOENT")
    throw new Error("ssh-keygen was not found, which verifies signatures: install OpenSSH's client");
  if (failed) return { fault: `ssh-keygen does not verify its signature: ${stderr.trim()}` };
  const statement = parse(text);
  if (!statement) return { fault: "it is signed, and no statement that this release knows" };
  const { subject, predicate } = statement;
  const isWhole = subject[0].digest.sha256 === digestOf(predicate.checks);
  return isWhole
    ? { statement }
    : { statement, fault: "it is signed, and what was found has not the digest that it names" };
}

function parse(text: string): Statement | undefined {
  try {
    return statementSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The same for people: a line for each, and the faults below it. */
export function verifiedText(all: readonly Verified[]): string {
  return all
    .flatMap(({ line, statement, fault }) => [
      `${fault === undefined ? "✓" : "✗"} line ${line}: ${statement ? told(statement) : fault}`,
      ...(statement && fault !== undefined ? [`    ${fault}`] : []),
      ...(statement?.predicate.checks.flatMap(({ faults }) => faults.map((text) => `    ${text}`)) ?? []),
    ])
    .join("\n");
}

function told({ subject, predicate }: Statement): string {
  const { time, verdict, occasion, host } = predicate;
  const when = occasion === "start" ? "when it was started" : "when an `up` looked";
  return `${time} ${subject[0].name} on ${host.name} (${host.machine}): ${verdict} ${when}`;
}
