import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bootstrap } from "../../../lab/bootstrap.ts";
import { digestOf } from "../../../lab/digest.ts";
import { labRecipe } from "../../../lab/recipe.ts";
import { cached } from "../../../scripts/setup/cache.ts";
import { ensurePackages } from "../../../scripts/setup/packages.ts";
import { step } from "../../../scripts/setup/progress.ts";
import { requireRoot } from "../../../scripts/setup/root.ts";
import { run } from "../../../scripts/setup/run.ts";

/** Of the lab host's release: older ones compile no `deny`. */
const PACKAGES = ["selinux-policy-default", "secilc", "checkpolicy", "setools", "bzip2"];

/** In the root: the policy that the distribution makes of its modules, as CIL. */
const MODULES = "/modules.cil";

/** A Debian root with a compiler of policies and the text of Debian's own, made once. */
export async function ensurePolicyTools(): Promise<string> {
  await ensurePackages();
  const recipe = [PACKAGES, labRecipe.suite, digestOf("bootstrap.ts")];
  return join(await cached({ name: "policy", recipe, build }), "root");
}

async function build(dir: string): Promise<void> {
  requireRoot("The compiler of policies");
  const root = join(dir, "root");
  await step("compiler of policies, and Debian's policy", async () => {
    await bootstrap({ root, suite: labRecipe.suite, packages: PACKAGES });
    await inside(root, `bunzip2 -c /var/lib/selinux/default/active/modules/*/*/cil >${MODULES}`);
  });
}

function inside(root: string, script: string, input?: string): Promise<string> {
  return run("chroot", [root, "sh", "-ec", script], { input });
}

/** A policy as the kernel would load it. */
export interface CompiledPolicy {
  /** What the policy lets a process of one context do with another; undefined if it does not know the target. */
  allowed(asked: readonly Access[]): Promise<(string[] | undefined)[]>;
  /** The rules that sesearch(1) finds, a line each. */
  rules(...options: string[]): Promise<string[]>;
  /** What seinfo(1) prints. */
  info(...options: string[]): Promise<string>;
  remove(): Promise<void>;
}

export interface Access {
  source: string;
  target: string;
  class: string;
}

/** Compiles Debian's policy with modules of CIL; that one breaks a neverallow, or says what is unknown, is an Error. */
export async function compilePolicy(root: string, modules: readonly string[]): Promise<CompiledPolicy> {
  const name = `compiled-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const dir = join(root, name);
  await mkdir(dir);
  const files = modules.map((_, i) => `/${name}/${i}.cil`);
  for (const [i, text] of modules.entries()) await writeFile(join(root, files[i]!), text);
  const remove = () => rm(dir, { recursive: true });
  try {
    await inside(root, `secilc -m -c 33 -o /${name}/policy -f /dev/null ${MODULES} ${files.join(" ")}`);
  } catch (error) {
    await remove();
    throw error;
  }
  const policy = `/${name}/policy`;
  return {
    allowed: (asked) => ask(root, policy, asked),
    rules: async (...options) =>
      (await run("chroot", [root, "sesearch", policy, ...options])).split("\n").filter(Boolean),
    info: (...options) => run("chroot", [root, "seinfo", policy, ...options]),
    remove,
  };
}

/**
 * Asks libsepol by checkpolicy's debug mode (checkpolicy(8), -d), which is a menu: 2 gives a context a number, 0 computes what one
 * may do with another. It counts constraints of MCS, too.
 */
async function ask(root: string, policy: string, asked: readonly Access[]): Promise<(string[] | undefined)[]> {
  const contexts = [...new Set(asked.flatMap(({ source, target }) => [source, target]))];
  const menu = (lines: string[]) => inside(root, `checkpolicy -M -b -d ${policy}`, `${[...lines, "q"].join("\n")}\n`);
  const numbering = contexts.flatMap((context) => ["2", context]);
  const answers = (await menu(numbering)).split("scontext?").slice(1);
  const numbers = new Map(contexts.map((context, i) => [context, /^\s*sid (\d+)/m.exec(answers[i] ?? "")?.[1]]));
  const known = asked.filter(({ source, target }) => numbers.get(source) && numbers.get(target));
  const computing = known.flatMap(({ source, target, class: name }) => [
    "0",
    numbers.get(source)!,
    numbers.get(target)!,
    name,
  ]);
  const found = (await menu([...numbering, ...computing])).split("source sid?").slice(1);
  return asked.map((one) => {
    const answer = found[known.indexOf(one)];
    if (answer === undefined) return undefined;
    const allowed = /allowed \{(.*?)\}/.exec(answer)?.[1];
    if (allowed === undefined) throw new Error(`checkpolicy does not answer for ${JSON.stringify(one)}: ${answer}`);
    return allowed.trim().split(/\s+/).filter(Boolean);
  });
}
