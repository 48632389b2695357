import { join } from "node:path";
import { execa } from "execa";
import { checkout } from "../../scripts/setup/paths.ts";
import type { Stack } from "./stack.ts";

/** Makes a key pair for logins; the public half is beside it. */
export async function makeLoginKey(dir: string): Promise<string> {
  const key = join(dir, "id");
  await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  return key;
}

export type Inside = (name: string, command: string, input?: string) => Promise<{ stdout: string }>;

/** Runs commands in the containers of a stack, as people log in there. */
export function insideOf(stack: () => Stack, key: () => string): Inside {
  return (name, command, input = "") => {
    const options = ["-F", ".svirt/ssh_config", "-o", "BatchMode=yes", "-i", key()];
    // Other tests' stacks may have a container of that name, too.
    return execa("ssh", [...options, `${name}.${stack().name}`, command], { cwd: checkout, input });
  };
}
