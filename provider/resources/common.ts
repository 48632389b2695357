import { z } from "zod";
import { connectionSchema } from "../host/connection.ts";
import { nameSchema } from "../host/name.ts";

/** The inputs that every resource has. */
export const common = {
  connection: connectionSchema.default({}),
  /** What is stamped on everything that the resource makes: project/stack@ID/kind/name (host/owner.ts). */
  owner: z.string().min(1),
  /** The machine-id(5) that the host must have; LxcHost gives that of its store. Without, the first contact says it. */
  machineId: z.string().optional(),
};

/** It stays on the host when its stack goes (the option retainOnDelete). */
export const retain = z.boolean().default(false);

/**
 * Take over what has the name already, if it is what is declared; if it is not, the error lists the differences. Without it,
 * what someone else made is never touched.
 */
export const adopt = z.boolean().default(false);

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The name of a container on its host. virsh(1) takes a number for the id of a domain, and a UUID for what it is: it would act
 * on another one. The LXC driver's own pid file lies beside those of its domains.
 */
export const containerNameSchema = nameSchema.refine(
  (name) => !/^[0-9]+$/.test(name) && !UUID.test(name) && name !== "driver",
  "must be no number, no UUID and not driver, which mean something else to libvirt",
);

export const idMapSchema = z.strictObject({
  start: z.int().min(1),
  count: z.int().min(1),
});
