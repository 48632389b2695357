import { attackTests } from "../support/attack-tests.ts";

// The other containers, on which the attacks have to work, are tried by `npm run test:sweep`.
attackTests({ whole: false });
