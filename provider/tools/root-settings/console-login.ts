import { mountedRoot } from "../root-mount.ts";
import { insideStep, type Setting } from "./setting.ts";
import { tmpfiles } from "./tmpfiles.ts";

/** Where root may log in by password (pam_securetty(8)). Without the file, which distributions no longer ship, it is everywhere. */
const SECURETTY = "etc/securetty";
/** What a login at a container's console runs on. */
const TERMINALS = ["console", "pts/0"];

interface Found {
  /** Terminals of the console at which root may not log in. */
  closedTerminals?: string[];
}

/** Who gives root a password can log in with it at the console, by `virsh console`. */
export const consoleLogin = {
  inputs: {},
  files: [SECURETTY],
  found(look) {
    const open = look.file(SECURETTY);
    const closed = open && TERMINALS.filter((terminal) => !open.includes(terminal));
    return { closedTerminals: closed?.length ? closed : undefined };
  },
  steps(target, { closedTerminals: closed }, { rootPassword }) {
    if (closed === undefined || rootPassword === undefined) return [];
    const step = { id: "open-console", title: `Allowing root to log in at ${closed.join(" and ")}` };
    const command = ["sh", "-c", OPEN, "sh", ...tmpfiles(mountedRoot(target.name))];
    return [insideStep(target, step, command, closed.map((terminal) => `${terminal}\n`).join(""))];
  },
  actual: () => ({}),
} satisfies Setting<{ rootPassword?: string }, Found>;

// The look has seen that it is a file; a last line without an end would run into the first of ours.
const OPEN = `text=$({ sed -e '$a\\' ${SECURETTY}; cat; } | base64 -w 0)
echo "f+~ /${SECURETTY} 0600 - - - $text" | "$@"`;
