import { guardTests } from "../support/guard-tests.ts";
import { LabPair } from "../support/lab-pair.ts";

guardTests(new LabPair("lab-guard"), { whole: true });
