import { neighbourTests } from "../support/neighbour-tests.ts";

// What switches the protections off is tried by `npm run test:sweep`.
neighbourTests({ whole: false });
