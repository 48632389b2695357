import { text } from "node:stream/consumers";
import { hostName } from "../host/connection.ts";
import type { ContainerLogin } from "../host/container-ssh.ts";
import type { Attack } from "./attack.ts";
import { ATTACKS, attackProgram, parseResults, type Results, succeeded } from "./index.ts";
import { NEIGHBOURS } from "./neighbours.ts";
import { startScript } from "./script.ts";
import { STATED } from "./stated.ts";
import { inContainer, placeTargets } from "./targets.ts";

/** Seconds for all attacks; each has 30, and most take none. */
const LIMIT = 1500;

/** A container says by this file that its own root may be set against it. */
export const MAY_BE_ATTACKED = "/etc/may-be-attacked";

/** What came of an attack. */
export interface Tried extends Omit<Attack, "program" | "again"> {
  /** "refused ERRNO", "absent" or "succeeded". */
  result: string;
  /** The same of the second try, as root of a user namespace that the attacker has made; or why there was none. */
  nested: string;
  /** It has worked, or works in such a namespace and not without. */
  gotThrough: boolean;
  /** Why that is left so. */
  stated?: string;
}

type Outcome = Pick<Attacked, "held" | "left" | "attacks">;

/** What came of all of them. */
export interface Attacked {
  host: string;
  container: string;
  /** Nothing got through but what is stated. */
  held: boolean;
  /** Why the attacks on another container were not tried, or why none was. */
  left?: string;
  attacks: Tried[];
}

/**
 * Attacks containers from inside, as their root, one after the other; each is told of a target on its host, and of one in
 * another container there, which is of `all`. Those that do not say that they may be attacked are left in peace.
 */
export async function attackContainers(
  named: readonly ContainerLogin[],
  all: readonly ContainerLogin[],
): Promise<Attacked[]> {
  const found: Attacked[] = [];
  for (const login of named) {
    const none = { held: false, attacks: [] };
    const outcome = await tryOne(login, all).catch((error) => ({ ...none, left: (error as Error).message }));
    found.push({ host: hostName(login.connection), container: login.name, ...outcome });
  }
  return found;
}

async function tryOne(login: ContainerLogin, all: readonly ContainerLogin[]): Promise<Outcome> {
  if (await mayBeAttacked(login)) return attack(login, await neighbourOf(login, all));
  return { held: false, left: `it has no file ${MAY_BE_ATTACKED}`, attacks: [] };
}

async function neighbourOf(login: ContainerLogin, all: readonly ContainerLogin[]): Promise<ContainerLogin | undefined> {
  for (const other of all)
    if (other.name !== login.name && isSameHost(other, login) && (await mayBeAttacked(other).catch(() => false)))
      return other;
  return undefined;
}

function isSameHost(one: ContainerLogin, other: ContainerLogin): boolean {
  return JSON.stringify(one.connection) === JSON.stringify(other.connection);
}

async function mayBeAttacked(login: ContainerLogin): Promise<boolean> {
  const stdout = await runInside(login, `[ ! -e ${MAY_BE_ATTACKED} ] || echo yes`);
  return /^yes$/m.test(stdout); // a login may print more
}

async function attack(login: ContainerLogin, neighbour: ContainerLogin | undefined): Promise<Outcome> {
  const attacks = neighbour ? ATTACKS : ATTACKS.filter((one) => !NEIGHBOURS.includes(one));
  const targets = await placeTargets(login.connection, neighbour);
  let results: Results;
  try {
    const program = await attackProgram(targets.known, attacks);
    results = parseResults(await runInside(login, "exec perl -", program), attacks);
  } catch (error) {
    await targets.end().catch(() => {});
    throw error;
  }
  await targets.end();
  const tried = triedOf(attacks, results);
  return {
    held: tried.every(({ gotThrough, stated }) => !gotThrough || stated !== undefined),
    ...(neighbour
      ? {}
      : {
          left: `no other container of the stack on its host has a file ${MAY_BE_ATTACKED}: what is of another one was not attacked`,
        }),
    attacks: tried,
  };
}

function triedOf(attacks: readonly Attack[], results: Results): Tried[] {
  const { direct, nested } = succeeded(results);
  const through = new Set([...direct, ...nested].map(({ id }) => id));
  return attacks.map(({ id, what, gain }) => {
    const again = typeof results.nested === "string" ? results.nested : results.nested[id]!;
    const gotThrough = through.has(id);
    const stated = gotThrough ? STATED[id] : undefined;
    return { id, what, gain, result: results.direct[id]!, nested: again, gotThrough, ...(stated ? { stated } : {}) };
  });
}

async function runInside(login: ContainerLogin, script: string, input = ""): Promise<string> {
  const { child, kill } = startScript(await inContainer(login, script));
  const impatient = setTimeout(kill, LIMIT * 1000);
  child.stdin.end(input);
  const stdout = await text(child.stdout);
  const { exitCode, stderr } = await child;
  clearTimeout(impatient);
  if (exitCode !== 0) throw new Error(`it was not attacked to the end: ${stderr.trim() || `it took ${LIMIT} s`}`);
  return stdout;
}

/** The same for people. */
export function attackedText(all: readonly Attacked[]): string {
  return all
    .map(({ host, container, held, left, attacks }) => {
      const head = attacks.length === 0 ? "not attacked" : held ? "holds" : "DOES NOT HOLD";
      const lines = attacks.map(({ what, gain, result, gotThrough, stated }) => {
        const how = gotThrough && result !== "succeeded" ? "succeeded, in a user namespace of its own making" : result;
        const note = stated ? ` (${stated})` : gotThrough ? `: an attacker has ${gain}` : "";
        return `  ${gotThrough ? (stated ? "!" : "✗") : "✓"} ${what}: ${how}${note}`;
      });
      return [`${container} on ${host}: ${head}`, ...(left ? [`  ${left}`] : []), ...lines].join("\n");
    })
    .join("\n\n");
}
