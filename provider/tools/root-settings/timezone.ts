import { z } from "zod";
import { mountedRoot } from "../root-mount.ts";
import { insideStep, type Setting } from "./setting.ts";
import { tmpfiles } from "./tmpfiles.ts";

const LOCALTIME = "etc/localtime";
const ZONES = "usr/share/zoneinfo";

const inputs = {
  /** Time zone inside, such as Europe/Berlin, which the root must have (tzdata). Kept converged; the image's if not given. */
  timezone: z
    .string()
    .regex(/^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/, "must be a time zone such as Europe/Berlin or UTC")
    .optional(),
};

export const timezone = {
  inputs,
  links: [LOCALTIME],
  found: (look) => ({
    timezone: look
      .told("link")
      .filter((line) => line.startsWith(`${LOCALTIME} `))
      .map((line) => new RegExp(`/${ZONES}/(.+)$`).exec(line)?.[1])[0],
  }),
  steps(target, found, { timezone: wanted }) {
    if (wanted === undefined || found.timezone === wanted) return [];
    const step = { id: "set-timezone", subject: wanted, title: `Setting the time zone ${wanted}` };
    const command = ["sh", "-c", SET, "sh", wanted, ...tmpfiles(mountedRoot(target.name), "--remove", "--create")];
    return [insideStep(target, step, command)];
  },
  actual: (found, { timezone }) => ({ timezone: timezone && found.timezone }),
} satisfies Setting<{ timezone?: string }, { timezone?: string }>;

// systemd-firstboot would look for the zone on the host. Some zones are links to others.
const SET = `zone=$1; shift
[ -f "${ZONES}/$zone" ] || [ -L "${ZONES}/$zone" ] || { echo "the root has no time zone $zone (${ZONES}/$zone): its image needs the package tzdata" >&2; exit 1; }
printf 'r /${LOCALTIME}\\nL /${LOCALTIME} - - - - ../${ZONES}/%s\\n' "$zone" | "$@"`;
