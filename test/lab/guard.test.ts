import { guardTests } from "../support/guard-tests.ts";

guardTests({ whole: false });
