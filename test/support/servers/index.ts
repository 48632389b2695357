import { DATA } from "./data.ts";
import { NETWORK } from "./network.ts";
import type { Server } from "./server.ts";
import { SYSTEM } from "./system.ts";
import { TOOLS } from "./tools.ts";
import { WEB } from "./web.ts";

/** The usual software of servers. */
export const SERVERS: readonly Server[] = [...WEB, ...DATA, ...NETWORK, ...SYSTEM, ...TOOLS];
