/** An allow rule of the container's, as the module's text has it. */
export interface Rule {
  /** As it is written, for people. */
  text: string;
  /** A type or an attribute; the container's own type for `self`. */
  target: string;
  class: string;
  permissions: string[];
}

const CONTAINER = "svirt_lxc_sys_t";

/** The rules that let a container do something. */
export function containerRules(module: string): Rule[] {
  const statements = parse(module);
  const named = new Map(
    statements.flatMap(([kind, name, value]) =>
      kind === "classpermissionset" ? [[String(name), value as Expression[]] as const] : [],
    ),
  );
  return statements.filter(isContainerRule).map(([, , target, what]) => {
    const [kind, permissions] = typeof what === "string" ? named.get(what)! : (what as Expression[]);
    return {
      text: `${target} ${typeof what === "string" ? what : kind}`,
      target: target === "self" ? CONTAINER : String(target),
      class: String(kind),
      permissions: permissions as string[],
    };
  });
}

/** A module in which the container has none of these rules, and is kept from nothing: what it asks for is in the audit log. */
export function withoutContainerRules(module: string): string {
  const others = parse(module).filter((statement) => !isContainerRule(statement));
  return `${others.map(print).join("\n")}\n(typepermissive ${CONTAINER})\n`;
}

function isContainerRule([kind, source]: Expression[]): boolean {
  return kind === "allow" && source === CONTAINER;
}

type Expression = string | Expression[];

/** The statements of a text in CIL (secilc's docs/cil_reference_guide.md): lists in parentheses, words, quoted words, comments. */
function parse(text: string): Expression[][] {
  const tokens = text
    .replaceAll(/"[^"]*"|;.*/g, (found) => (found[0] === ";" ? "" : found))
    .match(/"[^"]*"|[()]|[^\s()]+/g)!;
  const stack: Expression[][] = [[]];
  for (const token of tokens) {
    if (token === "(") stack.push([]);
    else if (token === ")") {
      const done = stack.pop()!;
      stack.at(-1)!.push(done);
    } else stack.at(-1)!.push(token);
  }
  return stack[0] as Expression[][];
}

function print(expression: Expression): string {
  return typeof expression === "string" ? expression : `(${expression.map(print).join(" ")})`;
}
