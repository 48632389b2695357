import { CONNECTIONS } from "../../support/host/disturb.ts";
import { GIVEN_UP } from "../../support/host/rounds.ts";
import { sweep } from "../../support/host/sweep.ts";

sweep(GIVEN_UP, CONNECTIONS);
