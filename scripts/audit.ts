import { parseArgs } from "node:util";
import { type Audit, audit, auditText, type Declared } from "../provider/audit.ts";
import { main } from "./setup/main.ts";
import { hasOwnBackend } from "./state/environment.ts";
import { hasLabStack, labEnvironment, labStack } from "./state/lab-stack.ts";
import { openPulumi } from "./state/pulumi.ts";
import { stackOf } from "./state/stack-of.ts";

const USAGE = `npm run audit -- [STACK [CONTAINER…]] [--json]

Looks at the containers of a stack as they run, and prints each piece of evidence of their confinement.
It changes nothing. The exit code is 1 if one of them is not confined, or does not run.`;

await main(async () => {
  const { values, positionals } = parseArgs({
    options: { json: { type: "boolean" }, help: { type: "boolean" } },
    allowPositionals: true,
  });
  if (values.help) return print(USAGE, 0);
  const [named, ...names] = positionals;
  const ours = !hasOwnBackend() || (hasLabStack() && named === labStack);
  const pulumi = await openPulumi(ours);
  const stack = named ?? (await stackOf([], pulumi));
  if (!stack) throw new Error(`no stack is selected: name one\n\n${USAGE}`);
  const env = ours && stack === labStack ? labEnvironment : {};
  const declared = containersOf(await pulumi.run(["stack", "export", "--stack", stack], { env }));
  const unknown = names.find((name) => !declared.some((container) => container.name === name));
  if (unknown) throw new Error(`the stack ${stack} has no container ${unknown}`);
  const audits: Audit[] = await audit(declared.filter(({ name }) => names.length === 0 || names.includes(name)));
  const text = values.json
    ? JSON.stringify(audits, null, 2)
    : auditText(audits) || `the stack ${stack} has no container`;
  return print(text, audits.every(({ confined }) => confined) ? 0 : 1);
});

/** The containers that a state holds. */
function containersOf(exported: string): Declared[] {
  const { resources = [] } = JSON.parse(exported).deployment as { resources?: { type: string; inputs: Declared }[] };
  return resources.filter(({ type }) => type.includes("svirt-lxc:LxcDomain")).map(({ inputs }) => inputs);
}

function print(text: string, code: number): number {
  console.log(text);
  return code;
}
