// Other users of apt, such as unattended upgrades, hold its lock for minutes: it is waited for (apt.conf(5), DPkg::Lock::Timeout).
const APT_LOCK_TIMEOUT = 600;
const INSTALL = `export DEBIAN_FRONTEND=noninteractive; i() { apt-get install -y --no-install-recommends -oDPkg::Lock::Timeout=${APT_LOCK_TIMEOUT} "$@"; }; i "$@" || { apt-get update && i "$@"; }`;

/** Seconds that an installation may take: each of two attempts waits. */
export const INSTALL_TIMEOUT = 2 * APT_LOCK_TIMEOUT + 1200;

/** The command that installs packages, after a look for newer lists of them if it must be. */
export function installPackages(packages: readonly string[]): string[] {
  return ["sh", "-c", INSTALL, "sh", ...packages];
}
