import { sweep } from "../support/host/sweep.ts";

sweep("create and update that are given up", [
  { from: "nothing", to: "created", rescue: "destroy" },
  { from: "created", to: "edited", rescue: "destroy" },
]);
