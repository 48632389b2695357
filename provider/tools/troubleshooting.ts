import { type Family, installPackages } from "../families/index.ts";
import type { Step } from "../host/batch.ts";

/** Installs what explains denials, unless it is there. */
export function installTroubleshooting(family: Family, tools: readonly string[]): Step[] {
  const { program, packages, afterwards } = family.troubleshooting;
  if (tools.includes(program)) return [];
  const install = installPackages(family, packages);
  const [shell = "", option = "", script = "", ...args] = install.argv;
  return [
    {
      ...install,
      id: "install-troubleshooting",
      subject: undefined,
      title: `Installing ${packages.join(" ")}, which explain denials`,
      argv: [shell, option, afterwards === undefined ? script : `{ ${script}\n} && ${afterwards}`, ...args],
      phase: "before",
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
