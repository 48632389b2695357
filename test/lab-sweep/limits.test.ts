import { LabPair } from "../support/lab-pair.ts";
import { limitTests } from "../support/limit-tests.ts";

limitTests(new LabPair("lab-limits"), { whole: true });
