import { BARE } from "../support/host/life.ts";
import { sweep } from "../support/host/sweep.ts";

sweep("a bare host", [{ from: "nothing", after: BARE, to: "prepared" }]);
