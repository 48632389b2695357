import { casesOf, families } from "../families/index.ts";

/** Kernels lie in /boot, or with their modules (kernel-install(8)). */
const NEWER_KERNEL = `newer_kernel() {
  running=$(uname -r)
  newest=$({ echo "$running"; for f in /boot/vmlinuz-*[0-9]* /usr/lib/modules/*/vmlinuz; do
    case $f in *'*'*) ;; /boot/*) echo "\${f#/boot/vmlinuz-}";; *) f=\${f%/vmlinuz}; echo "\${f##*/}";; esac
  done; } | sort -V | tail -n 1)
  [ "$newest" != "$running" ]
}`;

const ANSWER = "needs-reboot=";

/**
 * A script of sh that upgrades the packages of a host, and prints whether it needs a reboot. What the packages say goes to
 * standard error. Another machine than the one that is expected is left alone.
 */
export function upgradeScript(machine: string): string {
  const cases = casesOf(
    ({ upgrade, needsReboot }) => `
upgrade() {
${upgrade}
}
needs_reboot() {
${needsReboot}
}`,
  );
  return `exec 3>&1 >&2
[ "$(cat /etc/machine-id)" = "${machine}" ] || { echo "this is another machine than the one that the state knows: /etc/machine-id is not ${machine}"; exit 1; }
${NEWER_KERNEL}
. /etc/os-release
case " $ID $ID_LIKE " in
${cases}
*) echo "no upgrade is known for $PRETTY_NAME: only of ${families.map(({ name }) => name).join(" and ")}"; exit 1;;
esac
upgrade || exit
if needs_reboot; then echo ${ANSWER}true >&3; else echo ${ANSWER}false >&3; fi`;
}

/** What an upgrade printed: does the host need a reboot? */
export function needsReboot(stdout: string): boolean {
  return stdout.includes(`${ANSWER}true`);
}
