import { attackTests } from "../support/attack-tests.ts";
import { LabPair } from "../support/lab-pair.ts";

attackTests(new LabPair("lab-attacks"), { whole: true });
