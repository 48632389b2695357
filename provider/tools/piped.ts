/**
 * A function of sh: `piped COMMAND…` runs a program that the policy puts into a domain of its own, such as restorecon
 * (setfiles_t) and semodule (semanage_t). Such a domain may not use the files of a batch below /run that the program would
 * inherit: the host's lock, and those that take its output. The audit log would hold a denial for each, and the output would be
 * lost. So it inherits none of them, its output goes through a pipe to stdout, and its exit code is the function's.
 */
export const PIPED = `piped() {
  piped_output=$("$@" 2>&1 3>&- 8>&- 9>&- </dev/null); piped_code=$?
  [ -z "$piped_output" ] || printf '%s\\n' "$piped_output"
  return $piped_code
}`;

/**
 * A function of sh: `change_modules ARGUMENT…` runs semodule in the domain of the caller, who is root. In semanage_t, libsemanage is
 * denied on Debian 13 what it does to the labels of its store when a change is done (some 1,500 denials each time); it ignores
 * that, but the audit log is full of it. Where the caller's domain may not run it so, exit code 126 (runcon(1)), it runs in semanage_t.
 */
export const CHANGE_MODULES = `${PIPED}
change_modules() {
  piped runcon "$(id -Z)" semodule "$@" || [ $piped_code = 126 ] || return $piped_code
  [ $piped_code = 0 ] || piped semodule "$@"
}`;

const RESTORECON = `${PIPED}\npiped restorecon "$@"`;

/** The command that gives files the labels that the policy has for them. */
export function restorecon(...args: string[]): string[] {
  return ["sh", "-c", RESTORECON, "sh", ...args];
}
