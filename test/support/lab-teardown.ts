import { attachLab } from "../../lab/index.ts";
import { testLabDir } from "./lab.ts";

/** After the lab tests. */
export default async function tearDown(): Promise<void> {
  await (await attachLab(testLabDir))?.stop();
}
