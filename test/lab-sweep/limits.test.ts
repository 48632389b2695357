import { limitTests } from "../support/limit-tests.ts";

limitTests({ whole: true });
