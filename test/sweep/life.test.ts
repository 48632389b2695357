import { sweep } from "../support/host/sweep.ts";

sweep("create and delete", [
  { from: "nothing", to: "created" },
  { from: "created", to: "nothing" },
]);
