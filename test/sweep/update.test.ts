import { sweep } from "../support/host/sweep.ts";

sweep("update", [
  { from: "created", to: "edited" },
  { from: "edited", to: "created" },
]);
