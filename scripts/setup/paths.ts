import { homedir } from "node:os";
import { join } from "node:path";

/** The root of this checkout. */
export const checkout = join(import.meta.dirname, "..", "..");

/** Where this checkout's throwaway lab host lives (ignored by git). */
export const labDir = join(checkout, ".lab");

/** The cache shared by all checkouts of this user. */
export function cacheDir(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "svirt-lxc");
}
