import { auditCommand } from "../provider/audit-command.ts";
import { main } from "./setup/main.ts";
import { hasOwnBackend } from "./state/environment.ts";
import { hasLabStack, labEnvironment, labStack } from "./state/lab-stack.ts";
import { openPulumi } from "./state/pulumi.ts";
import { stackOf } from "./state/stack-of.ts";

await main(async () => {
  const { text, code } = await auditCommand(process.argv.slice(2), { command: "npm run audit --", exportStack });
  console.log(text);
  return code;
});

/** The state of a stack of this checkout, or of the lab's. */
async function exportStack(named: string | undefined): Promise<string> {
  const ours = !hasOwnBackend() || (hasLabStack() && named === labStack);
  const pulumi = await openPulumi(ours);
  const stack = named ?? (await stackOf([], pulumi));
  if (!stack) throw new Error("no stack is selected: name one (npm run audit -- STACK)");
  const env = ours && stack === labStack ? labEnvironment : {};
  return pulumi.run(["stack", "export", "--stack", stack], { env });
}
