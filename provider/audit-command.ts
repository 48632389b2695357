import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type Audit, audit, auditText, type Declared } from "./audit.ts";
import { type Verified, verifiedText, verify } from "./verify.ts";

/** What differs between a checkout and a project that has the package. */
export interface Surroundings {
  /** How it is called: "npm run audit --". */
  command: string;
  /** The state of a stack, as `pulumi stack export` prints it; of the selected one, if none is named. */
  exportStack(stack: string | undefined): Promise<string>;
}

const usage = (command: string) => `${command} [STACK [CONTAINER…]] [--json]

Looks at the containers of a stack as they run, and prints each piece of evidence of their confinement.
It changes nothing. The exit code is 1 if one of them is not confined, or does not run.

${command} [STACK] --verify FILE [--key KEY] [--json]

Verifies the statements that a host has signed (its /var/log/svirt-lxc/evidence/CONTAINER.log, or a part of it), by ssh-keygen.
KEY is the public key of the host, or a file that holds it; without it, those of the stack's hosts count. The exit code is 1
if one is not genuine, or there is none. What a genuine statement says may be bad: read it.`;

/** The command: what it prints, and its exit code. */
export async function auditCommand(
  args: string[],
  { command, exportStack }: Surroundings,
): Promise<{ text: string; code: number }> {
  const flag = { type: "boolean" } as const;
  const { values, positionals } = parseArgs({
    args,
    options: { json: flag, help: flag, verify: { type: "string" }, key: { type: "string" } },
    allowPositionals: true,
  });
  const { json, verify: file } = values;
  if (values.help) return { text: usage(command), code: 0 };
  const [stack, ...names] = positionals;
  const resources = async () => parseState(await exportStack(stack));
  if (file !== undefined) {
    const keys = values.key === undefined ? keysOf(await resources()) : [await readKey(values.key)];
    return verified(await verify(await read(file), keys), file, json);
  }
  if (values.key !== undefined) throw new Error(`--key is for --verify\n\n${usage(command)}`);
  const declared = containersOf(await resources());
  const unknown = names.find((name) => !declared.some((container) => container.name === name));
  if (unknown) throw new Error(`the stack ${stack} has no container ${unknown}`);
  const audits: Audit[] = await audit(declared.filter(({ name }) => names.length === 0 || names.includes(name)));
  return {
    text: json ? JSON.stringify(audits, null, 2) : auditText(audits) || "the stack has no container",
    code: audits.every(({ confined }) => confined) ? 0 : 1,
  };
}

function verified(all: Verified[], file: string, json: boolean | undefined): { text: string; code: number } {
  const isGood = all.length > 0 && all.every(({ fault }) => fault === undefined);
  return {
    text: json ? JSON.stringify(all, null, 2) : verifiedText(all) || `${file} holds no statement`,
    code: isGood ? 0 : 1,
  };
}

interface Resource {
  type: string;
  inputs?: object;
  outputs?: { evidenceKey?: string };
}

function parseState(exported: string): Resource[] {
  return (JSON.parse(exported).deployment as { resources?: Resource[] }).resources ?? [];
}

/** The containers that a state holds. */
function containersOf(resources: Resource[]): Declared[] {
  return resources.filter(({ type }) => type.includes("svirt-lxc:LxcDomain")).map(({ inputs }) => inputs as Declared);
}

/** The keys of the hosts that a state holds. */
function keysOf(resources: Resource[]): string[] {
  const keys = resources.flatMap(({ type, outputs }) =>
    type.includes("svirt-lxc:LibvirtService") && outputs?.evidenceKey !== undefined ? [outputs.evidenceKey] : [],
  );
  if (keys.length > 0) return keys;
  throw new Error("the state of the stack holds no key of a host: run `pulumi up`, or give the key with --key");
}

/** What an option says, or the file that it names. */
async function readKey(given: string): Promise<string> {
  const text = /^ssh-\S+ /.test(given) ? given : await read(given);
  const key = /^\s*(ssh-\S+ [A-Za-z0-9+/=]+)/.exec(text)?.[1];
  if (key === undefined)
    throw new Error(
      `--key: ${given} is no public key, and holds none: it looks like "ssh-ed25519 AAAA…" (output evidenceKeys)`,
    );
  return key;
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as Error).message}`);
  }
}
