import { readFileSync } from "node:fs";

/** Hosts that are changed together, and the containers on them. */
export interface Group {
  /** How each host is reached, as one would type it after ssh. */
  hosts: Record<string, string>;
  containers: Record<string, { host: string; memory?: string }>;
}

/** What the fleet is: one file, of which the program and what drives it both read. */
export const fleet: { image: string; groups: Record<string, Group> } = JSON.parse(
  readFileSync(new URL("fleet.json", import.meta.url), "utf8"),
);
