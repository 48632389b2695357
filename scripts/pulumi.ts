import { main } from "./setup/main.ts";
import { hasLabStack, labEnvironment, labStack, refreshLabConfiguration } from "./state/lab-stack.ts";
import { openPulumi } from "./state/pulumi.ts";
import { stackOf } from "./state/stack-of.ts";

await main(async () => {
  const args = process.argv.slice(2);
  // who logs in chooses a backend of his own, from then on
  if (args[0] === "login" || args[0] === "logout") return (await openPulumi(false)).show(args);
  const pulumi = await openPulumi();
  if (!hasLabStack() || (await stackOf(args, pulumi)) !== labStack) return pulumi.show(args);
  await refreshLabConfiguration(pulumi);
  return pulumi.show(args, labEnvironment);
});
