import type { Host } from "./host.ts";
import type { Site } from "./site.ts";

/** What the recorded checkpoint of a release is of: one container with everything that can be declared. */
export function releaseConfig(site: Site, hostname: string): Record<string, unknown> {
  const web = {
    hostname,
    memory: "256MiB",
    rootPasswordSecret: "password",
    authorizedKeys: ["ssh-ed25519 AAAA me"],
    units: ["nginx.service"],
    rebuild: "1",
  };
  return { ...site.config({ web }), "svirt-lxc:password": "secret" };
}

/** What differs each time that it is made, by the word that stands for it in the recording. */
export async function placeholders(site: Site, host: Host): Promise<Record<string, string>> {
  return {
    "@ARCHIVE@": site.archive,
    "@IMAGE@": await host.sh("ls /var/lib/svirt-lxc/images"),
    "@INSTANCE@": (await host.read("/var/lib/svirt-lxc/roots/web/instance")).trim(),
  };
}
