import { neighbourTests } from "../support/neighbour-tests.ts";

neighbourTests({ whole: true });
