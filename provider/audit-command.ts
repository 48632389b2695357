import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { attackContainers, attackedText, MAY_BE_ATTACKED } from "./attacks/attack-containers.ts";
import { type Audit, audit, auditText, type Declared } from "./audit.ts";
import { type Connection, connectionSchema } from "./host/connection.ts";
import type { ContainerLogin } from "./host/container-ssh.ts";
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

${command} [STACK [CONTAINER…]] --attack [--identity FILE] [--json]

Attacks containers from inside: logs in as their root, which tries what somebody would who took it over, at the host and at another
container of the stack. What works does no harm; it may leave a line in the host's audit log, and a module of a file system loaded.
Only those are attacked that say so, by a file ${MAY_BE_ATTACKED}. They need Perl, and so does the host, on x86_64. FILE is a
private key, besides those that ssh finds by itself. The exit code is 1 if something gets through that is not stated
(docs/confinement.md), or one may not be attacked.

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
    options: {
      json: flag,
      help: flag,
      attack: flag,
      identity: { type: "string" },
      verify: { type: "string" },
      key: { type: "string" },
    },
    allowPositionals: true,
  });
  const { verify: file } = values;
  if (values.help) return { text: usage(command), code: 0 };
  if (values.key !== undefined && file === undefined) throw new Error(`--key is for --verify\n\n${usage(command)}`);
  if (values.identity !== undefined && !values.attack)
    throw new Error(`--identity is for --attack\n\n${usage(command)}`);
  const [stack, ...names] = positionals;
  const resources = async () => parseState(await exportStack(stack));
  const { all, text, isGood } =
    file !== undefined
      ? await verifyFile(file, values.key === undefined ? keysOf(await resources()) : [await readKey(values.key)])
      : await ask(await resources(), stack, names, values.attack ? [values.identity ?? []].flat() : undefined);
  return { text: values.json ? JSON.stringify(all, null, 2) : text, code: isGood ? 0 : 1 };
}

/** What is to be told: to machines, and to people. */
interface Answer {
  all: object[];
  text: string;
  isGood: boolean;
}

async function verifyFile(file: string, keys: string[]): Promise<Answer> {
  const all: Verified[] = await verify(await read(file), keys);
  const isGood = all.length > 0 && all.every(({ fault }) => fault === undefined);
  return { all, text: verifiedText(all) || `${file} holds no statement`, isGood };
}

/** Of containers that a state holds; of all, if none is named. With `identities`, private keys, they are attacked. */
async function ask(
  state: Resource[],
  stack: string | undefined,
  names: string[],
  identities?: string[],
): Promise<Answer> {
  const declared = containersOf(state);
  const unknown = names.find((name) => !declared.some((container) => container.name === name));
  if (unknown) throw new Error(`the stack ${stack} has no container ${unknown}`);
  const isAsked = ({ name }: { name: string }) => names.length === 0 || names.includes(name);
  const none = "the stack has no container";
  if (identities === undefined) {
    const all: Audit[] = await audit(declared.filter(isAsked));
    return { all, text: auditText(all) || none, isGood: all.every(({ confined }) => confined) };
  }
  const logins = declared.flatMap((container) => loginOf(container, state, identities) ?? []);
  const lost = declared.filter(isAsked).find(({ name }) => !logins.some((login) => login.name === name));
  if (lost) throw new Error(`the state knows no address and host key of ${lost.name}: run \`pulumi up\``);
  const all = await attackContainers(logins.filter(isAsked), logins);
  return { all, text: attackedText(all) || none, isGood: all.every(({ held }) => held) };
}

interface Resource {
  type: string;
  inputs?: { name?: string; connection?: Connection };
  outputs?: { evidenceKey?: string; hostKey?: string };
}

function parseState(exported: string): Resource[] {
  return (JSON.parse(exported).deployment as { resources?: Resource[] }).resources ?? [];
}

/** The containers that a state holds. */
function containersOf(resources: Resource[]): Declared[] {
  const domains = resources.filter(({ type }) => type.includes("svirt-lxc:LxcDomain"));
  for (const { inputs } of domains) {
    // What is secret is encrypted here, and without a destination it would be this machine that is looked at.
    if (connectionSchema.safeParse(inputs?.connection ?? {}).success) continue;
    throw new Error(
      `the state has the connection of ${inputs?.name} as a secret, so that it cannot be looked at: declare it as none (pulumi.unsecret)`,
    );
  }
  return domains.map(({ inputs }) => inputs as Declared);
}

/** How one logs in to a container that a state holds. */
function loginOf(container: Declared, resources: Resource[], identities: string[]): ContainerLogin | undefined {
  const { name, address, connection = {} } = container;
  const isSame = (inputs: Resource["inputs"]) =>
    inputs?.name === name && JSON.stringify(inputs.connection ?? {}) === JSON.stringify(connection);
  const root = resources.find(({ type, inputs }) => type.includes("svirt-lxc:LxcRootfs") && isSame(inputs));
  const hostKey = root?.outputs?.hostKey;
  return address !== undefined && hostKey ? { name, address, hostKey, connection, identities } : undefined;
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
