import type { Read, Results } from "../host/batch.ts";

const AUDIT_LIMIT = 30;
const JOURNAL_LIMIT = 20;

// Those from before auditd runs are only in the journal; what is in both has one serial number.
const LOOK = `
[ "$(cat /sys/fs/selinux/enforce 2>/dev/null)" = 0 ] || exit 0
{
  timeout ${AUDIT_LIMIT} ausearch --input-logs -m AVC,USER_AVC -ts boot
  timeout ${JOURNAL_LIMIT} journalctl -q -b -o cat -g 'avc: +denied'
} 2>/dev/null </dev/null |
  sed -n 's/.*audit(\\([0-9.:]*\\)).*denied *{ *\\([^}]*[^} ]\\) *}.*scontext=[^: ]*:[^: ]*:\\([^: ]*\\).*tcontext=[^: ]*:[^: ]*:\\([^: ]*\\).*tclass=\\([a-z0-9_]*\\).*permissive=1.*/\\1 \\3 \\4 \\5 \\2/p' |
  sort -u | cut -d ' ' -f 2- | sort | uniq -c | sort -rn`;

/** What the policy denied since the boot, and what was let pass since the kernel is permissive. An enforcing one is not asked. */
export const denialsRead: Read = { key: "denials", argv: ["sh", "-c", LOOK], volatile: true };

/** Groups of denials, the largest first: "3 times init_t to var_t, dir: read write". */
export function parseDenials(results: Results): string[] {
  return results
    .get("denials")!
    .stdout.split("\n")
    .map((line) => /^ *(\d+) (\S+) (\S+) (\S+) (.*)$/.exec(line))
    .filter((found) => found !== null)
    .map(([, count, source, target, kind, what]) => `${count} times ${source} to ${target}, ${kind}: ${what}`);
}

/** Seconds for a look at the audit log, or at the kernel's messages. */
const LIMIT = 20;

/**
 * A function of sh: `denials_of LEVEL` prints what was denied to a container, or to others on what is its own, in the last ten
 * minutes. The audit log is asked; where there is none, the kernel's messages.
 */
export const DENIALS_OF = `denials_of() {
  { timeout ${LIMIT} ausearch --input-logs -m AVC,USER_AVC,SELINUX_ERR -ts recent || timeout ${LIMIT} journalctl -q -k --since -10min -g 'avc: *denied' --no-pager -o cat; } 2>/dev/null </dev/null |
    grep 'avc: *denied' | grep -F "$1"
}`;
