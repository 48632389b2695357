import { imageTests } from "../support/image-tests.ts";

imageTests(["straight", "base", "flat", "keyed"]);
