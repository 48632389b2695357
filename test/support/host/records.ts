import { DAMAGE } from "../recorded.ts";
import type { Host } from "./host.ts";

const STORE = "/var/lib/svirt-lxc";

/** The records of a host that runs the container web, as the shell finds them, and what each belongs to. */
export const RECORDS: [path: string, resource: string][] = [
  ["slots/0", "LxcRootfs web"],
  ["roots/web/root.json", "LxcRootfs web"],
  ["claims/image-*/*LxcRootfs*web", "LxcRootfs web"],
  ["images/*/image.json", "LxcImage alpha.base"],
  ["claims/image-*/*LxcImage*", "LxcImage alpha.base"],
  ["claims/policy/*", "SelinuxPolicy alpha"],
  ["claims/libvirt/*", "LibvirtService alpha"],
];

/** Files that lie among the records, and are none: an editor's, a wrong name, a rest of a write. */
export const STRAYS = ["slots/0~", "slots/%zz", "slots/.0.swp", "slots/1.new", "images/0~", "roots/%zz/root.json"];

export const WAYS = DAMAGE.map(([how]) => how);

/** Overwrites a record in place, as a careless hand does. */
export async function damage(host: Host, path: string, how: string): Promise<void> {
  const [, text] = DAMAGE.find(([name]) => name === how)!;
  const octal = [...Buffer.from(text)].map((byte) => `\\0${byte.toString(8)}`).join("");
  await host.sh(`printf '%b' '${octal}' >/run/damage; cat /run/damage >$(ls ${STORE}/${path}); rm /run/damage`);
}

export async function scatter(host: Host): Promise<void> {
  for (const stray of STRAYS) await host.write(`${STORE}/${stray}`, '{"owner":"x","name":"y"}\n');
}

/** What a container is while it runs: another one after each start. */
export async function running(host: Host): Promise<string> {
  return host.sh("cat /run/libvirt/lxc/*.pid");
}
