import type { Lab } from "../../lab/index.ts";
import { until } from "../../lab/wait.ts";
import { type AvcRecord, parseAvcRecord } from "../../provider/tools/avc-record.ts";

const LOG = "/var/log/audit/audit.log";

/** What is written to the log of audits from now on; each call of what is returned gives what has come since the last one. */
export async function watchAudit(lab: Lab): Promise<() => Promise<AvcRecord[]>> {
  let last = await mark(lab);
  return async () => {
    const now = await mark(lab);
    const { stdout } = await lab.ssh(
      `cat $(ls -tr ${LOG} ${LOG}.* 2>/dev/null) | awk -F '[:)]' '/^type=AVC/ && $2 > ${last} && $2 <= ${now}'`,
    );
    last = now;
    return stdout.split("\n").flatMap((line) => parseAvcRecord(line) ?? []);
  };
}

/** Everything that was audited so far is in the log when this is; returns its number. */
async function mark(lab: Lab): Promise<number> {
  const word = `mark-${performance.now()}`;
  await lab.ssh(`auditctl -m ${word}`);
  return until("the mark in the audit log", 300, async () => {
    const { stdout } = await lab.ssh(`grep -h -s ${word} ${LOG} ${LOG}.1; true`);
    return Number(/audit\([\d.]+:(\d+)\)/.exec(stdout)?.[1] ?? 0) || undefined;
  });
}

/** Forgets everything that the log has, and what was kept of it. */
export async function clearAudit(lab: Lab): Promise<void> {
  await lab.ssh(`rm -f ${LOG}.* /var/log/svirt-lxc/audit.log*; : >${LOG}`);
}
