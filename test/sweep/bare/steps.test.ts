import { STEPS } from "../../support/host/disturb.ts";
import { BARE_HOST } from "../../support/host/rounds.ts";
import { sweep } from "../../support/host/sweep.ts";

sweep(BARE_HOST, STEPS);
