import { attackTests } from "../support/attack-tests.ts";

attackTests({ whole: true });
