import { attackTests } from "./attack-tests.ts";
import { guardTests } from "./guard-tests.ts";
import { LabPair } from "./lab-pair.ts";
import { limitTests } from "./limit-tests.ts";

/** What two containers are enough for. `whole`: all of it, for `npm run test:sweep`. */
export function pairTests(scope: { whole: boolean }): void {
  const pair = new LabPair("lab-pair");
  describe("limits", () => limitTests(pair, scope));
  describe("attacks", () => attackTests(pair, scope));
  describe("guard", () => guardTests(pair, scope));
}
