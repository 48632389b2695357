import { main } from "./setup/main.ts";
import { hasOwnBackend } from "./state/environment.ts";
import { hasLabStack, labEnvironment, labStack, refreshLabConfiguration } from "./state/lab-stack.ts";
import { openPulumi } from "./state/pulumi.ts";
import { namedStack, stackOf } from "./state/stack-of.ts";

await main(async () => {
  const args = process.argv.slice(2);
  // who logs in chooses a backend of his own, from then on
  if (args[0] === "login" || args[0] === "logout") return (await openPulumi(false)).show(args);
  // The throwaway host is this checkout's, and so is its stack, wherever the user keeps others.
  const ours = !hasOwnBackend() || (hasLabStack() && namedStack(args) === labStack);
  const pulumi = await openPulumi(ours);
  if (!ours || !hasLabStack() || (await stackOf(args, pulumi)) !== labStack) return pulumi.show(args);
  await refreshLabConfiguration(pulumi);
  return pulumi.show(args, labEnvironment);
});
