import type { Step } from "../host/batch.ts";
import { INSTALL_TIMEOUT, installPackages } from "./apt.ts";

/** What explains denials, by the ID of os-release(5): the program by which it is known to be there, and how it is installed. */
const explainers: Readonly<Record<string, { program: string; packages: string; argv: string[] }>> = {
  debian: {
    program: "audit2why",
    packages: "auditd policycoreutils-python-utils",
    argv: installPackages(["auditd", "policycoreutils-python-utils"]),
  },
  // auditd reads its plugins anew, of which setroubleshoot is one.
  fedora: {
    program: "sealert",
    packages: "setroubleshoot-server",
    argv: ["sh", "-c", "dnf install -y setroubleshoot-server && auditctl --signal reload"],
  },
};

/** Installs what explains denials, unless it is there; on an unknown distribution, nothing is known to do so. */
export function installTroubleshooting(id: string, tools: readonly string[]): Step[] {
  const explainer = explainers[id];
  if (!explainer || tools.includes(explainer.program)) return [];
  const { packages, argv } = explainer;
  return [
    {
      id: "install-troubleshooting",
      title: `Installing ${packages}, which explain denials`,
      argv,
      phase: "before",
      timeout: INSTALL_TIMEOUT,
    },
  ];
}

const EXPLAIN_LIMIT = 20;

/**
 * A function of sh: `explain` prints standard input, which are denials, and what the tools of the host have to say of them, if
 * they are there.
 */
export const EXPLAIN = `explain() {
  denied=$(cat)
  [ -n "$denied" ] || return 0
  printf '%s\\n' "$denied"
  why=$(printf '%s\\n' "$denied" | timeout ${EXPLAIN_LIMIT} audit2why 2>/dev/null | grep -v -e 'avc: ' -e '^[[:space:]]*$')
  [ -z "$why" ] || printf 'audit2why says of these:\\n%s\\n' "$why"
  pids=$(printf '%s\\n' "$denied" | sed -n 's/.* pid=\\([0-9]*\\) .*/OBJECT_PID=\\1/p' | sort -u)
  ! command -v sealert >/dev/null || timeout ${EXPLAIN_LIMIT} journalctl -q -b -t setroubleshoot -o cat $pids 2>/dev/null | tail -n 4
}`;
