import { limitTests } from "../support/limit-tests.ts";

// The rest is tried by `npm run test:sweep`.
limitTests({ whole: false });
