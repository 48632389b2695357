import { STEPS } from "../../support/host/disturb.ts";
import { UPDATE } from "../../support/host/rounds.ts";
import { sweep } from "../../support/host/sweep.ts";

sweep(UPDATE, STEPS);
