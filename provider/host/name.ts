import { z } from "zod";

/** A name that can be a folder, a part of unit names and a host name. */
export const nameSchema = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    "must be 1 to 63 lower-case letters, digits and inner hyphens (a DNS label)",
  );
