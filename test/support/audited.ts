import type { Lab } from "../../lab/index.ts";
import { until } from "../../lab/wait.ts";

/** What the kernel's audit log has on one use of a right: whose, on what, and which. */
export interface Audited {
  result: "denied" | "granted";
  /** Types: of who did it, and of what it was done to. */
  source: string;
  target: string;
  class: string;
  permissions: string[];
  /** The program that did it, and the file that it was done to. */
  program: string;
  file: string;
}

const LOG = "/var/log/audit/audit.log";

/** What is written to the log of audits from now on; each call of what is returned gives what has come since the last one. */
export async function watchAudit(lab: Lab): Promise<() => Promise<Audited[]>> {
  let last = await mark(lab);
  return async () => {
    const now = await mark(lab);
    const { stdout } = await lab.ssh(
      `cat $(ls -tr ${LOG} ${LOG}.* 2>/dev/null) | awk -F '[:)]' '/^type=AVC/ && $2 > ${last} && $2 <= ${now}'`,
    );
    last = now;
    return stdout.split("\n").flatMap((line) => parseAudited(line) ?? []);
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

/** A line of the log; undefined of another kind of line. */
export function parseAudited(line: string): Audited | undefined {
  const [, result, permissions] = /avc: +(denied|granted) +\{ (.*?) \}/.exec(line) ?? [];
  if (!permissions) return undefined;
  const field = (name: string) => new RegExp(` ${name}=("[^"]*"|\\S+)`).exec(line)?.[1]?.replaceAll('"', "") ?? "";
  const type = (name: string) => field(name).split(":")[2] ?? "";
  return {
    result: result as Audited["result"],
    source: type("scontext"),
    target: type("tcontext"),
    class: field("tclass"),
    permissions: permissions.split(" "),
    program: field("comm"),
    file: field("path") || field("name"),
  };
}

/** Forgets everything that the log has, and what was kept of it. */
export async function clearAudit(lab: Lab): Promise<void> {
  await lab.ssh(`rm -f ${LOG}.* /var/log/svirt-lxc/audit.log*; : >${LOG}`);
}
