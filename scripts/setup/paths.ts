import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** The root of this checkout. */
export const checkout = join(import.meta.dirname, "..", "..");

/** Where this checkout's throwaway lab host lives (ignored by git). */
export const labDir = join(checkout, ".lab");

/** The cache shared by all checkouts of this user. */
export function cacheDir(): string {
  const { XDG_CACHE_HOME: dir = "" } = process.env;
  // A path that is not absolute is to be ignored (XDG Base Directory Specification).
  return join(isAbsolute(dir) ? dir : join(homedir(), ".cache"), "svirt-lxc");
}
