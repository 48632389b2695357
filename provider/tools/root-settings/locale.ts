import { z } from "zod";
import { mountedRoot } from "../root-mount.ts";
import { insideStep, type Setting } from "./setting.ts";
import { fileLine, tmpfiles } from "./tmpfiles.ts";

/** What systemd reads (locale.conf(5)). */
const FILE = "etc/locale.conf";
/** What Debian's logins read (pam_env(8)); there it is a link to the other one. */
const DEBIAN = "etc/default/locale";
const TARGET = "../locale.conf";

const inputs = {
  /** LANG inside, such as C.UTF-8 or de_DE.UTF-8, whose data the image must have. Kept converged; the image's if not given. */
  locale: z
    .string()
    .regex(/^[A-Za-z][\w.@-]*$/, "must be a locale such as C.UTF-8 or de_DE.UTF-8")
    .optional(),
};

export const locale = {
  inputs,
  files: [FILE],
  links: [DEBIAN],
  found(look) {
    const lines = look.file(FILE);
    const [, lang] = /^LANG=(\S+)$/.exec(lines?.join("\n") ?? "") ?? [];
    return { locale: look.told("link").includes(`${DEBIAN} ${TARGET}`) ? lang : undefined };
  },
  steps(target, found, { locale: wanted }) {
    if (wanted === undefined || found.locale === wanted) return [];
    const step = { id: "set-locale", subject: wanted, title: `Setting the locale ${wanted}` };
    const lines = [
      ...[FILE, DEBIAN].map((path) => `r /${path}\n`),
      fileLine(`/${FILE}`, "0644", `LANG=${wanted}\n`),
      `L /${DEBIAN} - - - - ${TARGET}\n`,
    ];
    return [insideStep(target, step, tmpfiles(mountedRoot(target.name), "--remove", "--create"), lines.join(""))];
  },
  actual: (found, { locale }) => ({ locale: locale && found.locale }),
} satisfies Setting<{ locale?: string }, { locale?: string }>;
