import { dirname } from "node:path";
import { cacheDir } from "./paths.ts";
import { run } from "./run.ts";

/** Fails where we are not root, with the command that makes this one part as root, for the user at hand. */
export function requireRoot(what: string): void {
  if (process.getuid?.() === 0) return;
  const environment = `PATH="$PATH" XDG_CACHE_HOME="${dirname(cacheDir())}"`;
  throw new Error(`${what} is made as root, once. Run:\n  sudo env ${environment} npm run lab -- image`);
}

/** Gives what was made under sudo to who called it. */
export async function giveToCaller(...args: string[]): Promise<void> {
  const { SUDO_UID, SUDO_GID } = process.env;
  if (process.getuid?.() === 0 && SUDO_UID && SUDO_GID) await run("chown", [`${SUDO_UID}:${SUDO_GID}`, ...args]);
}
