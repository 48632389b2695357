import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

/** The fields of a connection, for schemas that have more. */
export const connectionFields = {
  /** An ssh destination as one would type it; OpenSSH resolves it, with the user's own configuration, agent and jump hosts. */
  ssh: z
    .string()
    .regex(/^[^-\s][^\s]*$/, "must be an ssh destination such as host, user@host or ssh://user@host:port")
    .optional(),
  /** An extra ssh_config(5), relative to the project's folder. */
  sshConfig: z.string().min(1).optional(),
};

/**
 * How a host is reached: by ssh or, without it, as this machine. There are no ports, keys or known_hosts here: they belong
 * into the user's ssh configuration. State outlives them, and a host that moved must still be reachable for `destroy`.
 */
export const connectionSchema = z
  .strictObject(connectionFields)
  .refine((c) => c.ssh !== undefined || c.sshConfig === undefined, {
    error: "names an ssh configuration without a destination: add ssh",
    path: ["sshConfig"],
  });

export type Connection = z.infer<typeof connectionSchema>;

/** A connection as an argument: each of its fields may be an output of another resource. */
export type ConnectionArgs = { [K in keyof Connection]: pulumi.Input<Connection[K]> };

/** What error messages and progress lines call the host. */
export function hostName(connection: Connection): string {
  return connection.ssh ?? "this machine";
}
