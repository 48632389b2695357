import { pairTests } from "../support/pair-tests.ts";

pairTests({ whole: true });
