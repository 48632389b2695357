import { sweep } from "../support/host/sweep.ts";

sweep("delete");
