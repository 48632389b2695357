import { z } from "zod";
import type { Step } from "../host/batch.ts";
import { removeRecord, writeRecord } from "../host/records.ts";
import { PIPED } from "./piped.ts";

/** The record of a host that was prepared for its relabelling, relative to the store: the boot in which that was. */
export const PREPARED = "selinux.json";

export const preparedSchema = z.object({ boot: z.string().min(1) });

/** What /.autorelabel holds for a relabelling of user, role and range, and not of the type only (fixfiles(8)). */
const FULL_RELABEL = "-F";

/** Does that text of /.autorelabel ask for it? Where SELinux is enabled, fixfiles adds how many threads do it. */
export function isFullRelabel(autorelabel: string | undefined): boolean {
  return autorelabel?.split(/\s+/).includes(FULL_RELABEL) ?? false;
}

/** Has the next boot relabel all files and restart once more. */
export const requestRelabel: Step = {
  id: "request-relabel",
  title: "Having the next boot relabel all files",
  argv: ["sh", "-c", `${PIPED}\npiped fixfiles ${FULL_RELABEL} onboot && sync /.autorelabel`],
};

/** Records the boot in which the host was prepared: the next one has relabelled it, or something keeps it from that. */
export function recordPrepared(boot: string): Step {
  return writeRecord(
    { id: "record-prepared", title: "Recording that the host is prepared for its relabelling" },
    PREPARED,
    { boot },
  );
}

export const forgetPrepared: Step = removeRecord(
  { id: "forget-prepared", title: "Removing the record of the relabelling" },
  PREPARED,
);
