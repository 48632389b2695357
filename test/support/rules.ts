import type { Audited } from "./audited.ts";

/** An allow rule of a module in CIL, with its permission sets resolved. */
export interface Rule {
  source: string;
  target: string;
  class: string;
  permissions: readonly string[];
  /** The optional block that it is in. */
  block?: string;
}

type Expression = string | Expression[];

/** All allow rules of a module. */
export function parseRules(text: string): Rule[] {
  const top = parse(text);
  const sets = new Map<string, [string, string[]]>();
  for (const line of top)
    if (Array.isArray(line) && line[0] === "classpermissionset") sets.set(line[1] as string, line[2] as never);
  const rulesOf = (lines: Expression[], block?: string): Rule[] =>
    lines.flatMap((line) => {
      if (!Array.isArray(line)) return [];
      if (line[0] === "optional") return rulesOf(line.slice(2), line[1] as string);
      if (line[0] !== "allow") return [];
      const [, source, target, what] = line as [string, string, string, string | [string, string[]]];
      const [kind, permissions] = typeof what === "string" ? sets.get(what)! : what;
      return [{ source, target, class: kind, permissions, ...(block !== undefined && { block }) }];
    });
  return rulesOf(top);
}

/** The expressions of a text in CIL; a comment goes from a semicolon to the end of its line. */
function parse(text: string): Expression[] {
  const stack: Expression[][] = [[]];
  for (const [token] of text.replaceAll(/;.*$/gm, "").matchAll(/"[^"]*"|[()]|[^\s()"]+/g)) {
    if (token === "(") stack.push([]);
    else if (token === ")") {
      const done = stack.pop()!;
      stack.at(-1)!.push(done);
    } else stack.at(-1)!.push(token);
  }
  return stack[0]!;
}

/** A module that has the kernel note each use of these rules. */
export function auditModule(rules: readonly Rule[]): string {
  const line = ({ source, target, class: kind, permissions }: Rule) =>
    `(auditallow ${source} ${target} (${kind} (${permissions.join(" ")})))`;
  const blocks = Map.groupBy(rules, ({ block }) => block);
  return [...blocks]
    .map(([block, inside]) => {
      const lines = inside.map(line).join("\n");
      return block === undefined ? lines : `(optional ${block}_audited\n${lines}\n)`;
    })
    .join("\n");
}

/** Attributes of rules, and the types that a record of their use has. */
const ATTRIBUTES: Readonly<Record<string, (type: string) => boolean>> = {
  svirt_lxc_files: (type) => ["svirt_lxc_root_t", "svirt_lxc_store_t"].includes(type),
  svirt_lxc_guard_caller: (type) => ["virtd_t", "virtd_lxc_t"].includes(type),
  port_type: (type) => type.endsWith("port_t"),
};

/** The permissions of a rule that a record of the log shows used. */
export function usedBy(rule: Rule, { result, source, target, class: kind, permissions }: Audited): string[] {
  const is = (name: string, type: string) => ATTRIBUTES[name]?.(type) ?? name === type;
  const fits =
    result === "granted" &&
    kind === rule.class &&
    is(rule.source, source) &&
    (rule.target === "self" ? source === target : is(rule.target, target));
  return fits ? permissions.filter((permission) => rule.permissions.includes(permission)) : [];
}

/** What is left of rules when what records show used is taken away. */
export function unused(rules: readonly Rule[], records: readonly Audited[]): Rule[] {
  return rules.flatMap((rule) => {
    const used = new Set(records.flatMap((record) => usedBy(rule, record)));
    const permissions = rule.permissions.filter((permission) => !used.has(permission));
    return permissions.length > 0 ? [{ ...rule, permissions }] : [];
  });
}
