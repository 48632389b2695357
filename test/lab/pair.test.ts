import { attackTests } from "../support/attack-tests.ts";
import { guardTests } from "../support/guard-tests.ts";
import { LabPair } from "../support/lab-pair.ts";
import { limitTests } from "../support/limit-tests.ts";

// What two containers are enough for; the rest of each is tried by `npm run test:sweep`.
const pair = new LabPair("lab-pair");

describe("limits", () => limitTests(pair, { whole: false }));
describe("attacks", () => attackTests(pair, { whole: false }));
describe("guard", () => guardTests(pair, { whole: false }));
