import { STEPS } from "../../support/host/disturb.ts";
import { LIFE } from "../../support/host/rounds.ts";
import { sweep } from "../../support/host/sweep.ts";

sweep(LIFE, STEPS);
