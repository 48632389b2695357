import { nameSchema } from "../../host/name.ts";
import { firstboot, insideStep, type Setting } from "./setting.ts";

const HOSTNAME = "etc/hostname";

const inputs = {
  /** Host name inside. Kept converged. Default: the name. */
  hostname: nameSchema.optional(),
};

/** What has a host name. */
export interface Named {
  name: string;
  hostname?: string;
}

/** The host name of a container. */
export function hostnameOf({ name, hostname }: Named): string {
  return hostname ?? name;
}

export const hostname = {
  inputs,
  files: [HOSTNAME],
  found: (look) => ({ hostname: look.file(HOSTNAME)?.[0] }),
  steps(target, found, inputs) {
    const wanted = hostnameOf(inputs);
    if (found.hostname === wanted) return [];
    const step = { id: "set-hostname", subject: wanted, title: `Setting the host name ${wanted}` };
    return [insideStep(target, step, [...firstboot(target), `--hostname=${wanted}`])];
  },
  actual: (found, { name, hostname }) => ({
    hostname: found.hostname === name && hostname === undefined ? undefined : found.hostname,
  }),
} satisfies Setting<Named, { hostname?: string }>;
