import { z } from "zod";
import { DHCP_UNIT } from "./dhcp.ts";
import { insideStep, type Setting, systemctl, without } from "./setting.ts";

/** The name of a unit (systemd.unit(5)). */
export const unitSchema = z.string().regex(/^[\w@\\:][\w@.\\:-]*\.\w+$/, "must be a unit such as nginx.service");

const inputs = {
  /** Units that are enabled inside. Kept converged; one that is taken off the list is disabled. */
  units: z.array(unitSchema).default([]),
};

// systemctl(1) is content with a unit that has no [Install] section, or only an Also= there, and enables nothing.
const ENABLE = `systemctl=$1 root=$2; shift 2
$systemctl "$root" enable "$@" || exit 1
for unit; do
  case $($systemctl "$root" is-enabled "$unit") in static|indirect)
    echo "$unit says nothing of how it is enabled ([Install]), and is started by what needs it: take it off the units" >&2; exit 1;;
  esac
done`;

export const units = {
  inputs,
  found: (look) => ({ enabled: [...look.enabled].sort() }),
  steps(target, found, { units: wanted, dhcp }, written) {
    const enabled = found.enabled ?? [];
    const change = (id: string, title: string, command: string[], units: string[]) => {
      if (units.length === 0) return [];
      const subject = units.join(" ");
      return [insideStep(target, { id, subject, title: `${title} ${subject}` }, [...command, ...units])];
    };
    const kept = [...wanted, ...(dhcp ? [DHCP_UNIT] : [])];
    const stale = without(written.units, kept).filter((unit) => enabled.includes(unit));
    return [
      ...change("enable-units", "Enabling", ["sh", "-c", ENABLE, "sh", ...systemctl(target)], without(wanted, enabled)),
      ...change("disable-units", "Disabling", systemctl(target, "disable"), stale),
    ];
  },
  actual: ({ enabled }, { units }, written) => ({
    units: [...new Set([...units, ...written.units])].filter((unit) => enabled.includes(unit)),
  }),
} satisfies Setting<{ units: string[]; dhcp?: boolean }, { enabled: string[] }>;
