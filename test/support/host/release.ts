import type { Stack } from "../stack.ts";
import type { Host } from "./host.ts";
import type { Site } from "./site.ts";

/** The stack that the recorded checkpoint of a release is of. */
export async function releaseStack(site: Site): Promise<Stack> {
  const stack = await site.stack("release", releaseConfig(site, "www"));
  await setSecret(stack);
  return stack;
}

/** Secrets are encrypted for a state: another one that is put in its place needs them anew. */
export const setSecret = (stack: Stack) => stack.secret("svirt-lxc:password", "secret");

/** One container with everything that can be declared. */
export function releaseConfig(site: Site, hostname: string): Record<string, unknown> {
  const web = {
    hostname,
    memory: "256MiB",
    rootPasswordSecret: "password",
    authorizedKeys: ["ssh-ed25519 AAAA me"],
    units: ["nginx.service"],
    mask: ["cron.service"],
    timezone: "Europe/Berlin",
    locale: "C.UTF-8",
    users: { ada: { groups: ["adm"], authorizedKeys: ["ssh-ed25519 AAAA ada"] } },
    files: { "/etc/motd": { content: "Welcome\n" }, "/etc/token": { contentSecret: "password", mode: "0600" } },
    rebuild: "1",
  };
  return site.config({ web });
}

/** What differs each time that it is made, by the word that stands for it in the recording. */
export async function placeholders(site: Site, host: Host): Promise<Record<string, string>> {
  return {
    "@ARCHIVE@": site.archive,
    "@IMAGE@": await host.sh("ls /var/lib/svirt-lxc/images"),
    "@STACK_ID@": /@([0-9a-f]{8})\//.exec(await host.read("/var/lib/svirt-lxc/slots/0"))![1]!,
    "@MACHINE@": (await host.read("/etc/machine-id")).trim(),
    "@INSTANCE@": JSON.parse(await host.read("/var/lib/svirt-lxc/roots/web/root.json")).instance,
  };
}
