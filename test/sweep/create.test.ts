import { sweep } from "../support/host/sweep.ts";

sweep("create");
