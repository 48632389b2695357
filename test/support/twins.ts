import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import type { Lab } from "../../lab/index.ts";
import { mountedRoot } from "../../provider/tools/root-mount.ts";
import type { Inside } from "./login.ts";

/** Containers of one image on the lab host: what they find under names, and whether they are who they are. */

export const DOMAIN = "svirt-lxc.internal";
export const KEY_TYPES = ["ed25519", "rsa", "ecdsa"];
export const MACHINE_ID = "0123456789abcdef0123456789abcdef";

/** What a container finds under a name: the address and names, or nothing. */
export async function lookUp(inside: Inside, name: string, asked: string): Promise<string> {
  return (await inside(name, `getent hosts ${asked} || true`)).stdout;
}

/** What a container finds under the names that all have. */
export async function commonNames(inside: Inside, own: string, other: string) {
  return {
    localhost: await lookUp(inside, own, "localhost"),
    own: await lookUp(inside, own, own),
    neighbour: await lookUp(inside, own, other),
    full: await lookUp(inside, own, `${other}.${DOMAIN}`),
  };
}

/** What it should find. */
export function expectedNames(own: string, other: string, addressOfOther: string) {
  const neighbour = expect.stringMatching(new RegExp(`^${addressOfOther} +${other}\\.${DOMAIN}\\b`));
  return {
    localhost: expect.stringMatching(/^::1 +localhost\b/),
    own: expect.stringMatching(new RegExp(`^127\\.0\\.1\\.1 +${own}\\.${DOMAIN} ${own}$`)),
    neighbour,
    full: neighbour,
  };
}

/** Files of a container's root, as text: what is not there is empty. */
export async function readRoot(lab: Lab, name: string, paths: string[]): Promise<string> {
  const command = `cd ${mountedRoot(name)} && for f in ${paths.join(" ")}; do echo "$f:$(cat $f 2>/dev/null)"; done`;
  return (await lab.ssh(command)).stdout;
}

/** The ssh host keys that a container serves, as the network sees them. */
export async function servedKeys(lab: Lab, address: string): Promise<string[]> {
  const { stdout } = await lab.ssh(`ssh-keyscan -t ${KEY_TYPES.join(",")} ${address} 2>/dev/null`);
  const lines = stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => line.split(" ").slice(1).join(" "));
}

/** Gives a tree ssh host keys of each type, and a machine id, as images of other people have them; the public keys. */
export async function plantIdentity(tree: string): Promise<string[]> {
  const keys: string[] = [];
  for (const type of KEY_TYPES) {
    const key = join(tree, `etc/ssh/ssh_host_${type}_key`);
    await execa("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "", "-f", key]);
    keys.push((await execa("cut", ["-d ", "-f1,2", `${key}.pub`])).stdout);
  }
  const lines = KEY_TYPES.map((type) => `HostKey /etc/ssh/ssh_host_${type}_key\n`);
  await writeFile(join(tree, "etc/ssh/sshd_config.d/keys.conf"), lines.join(""));
  await writeFile(join(tree, "etc/machine-id"), `${MACHINE_ID}\n`);
  return keys;
}
