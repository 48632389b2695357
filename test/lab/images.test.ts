import { imageTests } from "../support/image-tests.ts";

// A sample; all of them are tried by `npm run test:sweep`.
imageTests(["flat", "keyed"]);
