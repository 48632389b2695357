import { ensureLab } from "./setup/lab.ts";
import { main } from "./setup/main.ts";
import { ensureLabStack, labEnvironment, labStack } from "./state/lab-stack.ts";
import { describeContainers } from "./state/outputs.ts";
import { openPulumi } from "./state/pulumi.ts";

await main(async () => {
  const [pulumi] = await Promise.all([openPulumi(true), ensureLab()]);
  await ensureLabStack(pulumi);
  const code = await pulumi.show(["up", "--stack", labStack, "--yes", "--skip-preview"], labEnvironment);
  if (code !== 0) return code;
  console.log(describeContainers(await pulumi.run(["stack", "output", "--stack", labStack, "--json"])));
  return 0;
});
