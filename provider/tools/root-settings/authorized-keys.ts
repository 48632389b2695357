import { z } from "zod";
import type { Step } from "../../host/batch.ts";
import { mountedRoot } from "../root-mount.ts";
import { PATHS } from "./paths.ts";
import { insideStep, type Setting, type Target } from "./setting.ts";
import { tmpfiles } from "./tmpfiles.ts";

/** A comment, or a key: its type, and what it is in base64 (sshd(8), AUTHORIZED_KEYS FILE FORMAT). Options may come first. */
const KEY_LINE = /^([ \t]*#.*|(.*[ \t])?(ssh|ecdsa|sk)-[\w@.-]+[ \t]+[\w+/=]+([ \t].*)?)$/;
/** A look at a root takes files up to 128 KiB. */
const KEYS_MAX = 100_000;

export function isKeyLine(text: string): boolean {
  return KEY_LINE.test(text);
}

/** The lines of authorized_keys of one user. */
export const keysSchema = z
  .array(z.string().regex(KEY_LINE, 'must be a line of authorized_keys, such as "ssh-ed25519 AAAA… me"'))
  .refine((keys) => keys.join("\n").length <= KEYS_MAX, `must be ${KEYS_MAX} characters at most, all together`);

const inputs = {
  /** ~root/.ssh/authorized_keys, a line each. Kept converged; not touched if not given. */
  authorizedKeys: keysSchema.optional(),
};

/** How the lines of root's keys are marked in what a look prints, wherever its home is. */
const AUTHORIZED_KEYS = "root/.ssh/authorized_keys";

/** A function of sh, for the folder of a root: `keys_of HOME` prints the authorized keys in a home without links. */
export const READ_KEYS = `
keys_of() {
  ssh=./\${1:+$1/}.ssh
  [ ! -d "$ssh" ] || [ -L "$ssh" ] ||
    find "$ssh" -maxdepth 1 -name authorized_keys -type f -size -128k -exec grep -h '' {} +
}`;

export const authorizedKeys = {
  inputs,
  look: `keys_of "$(home_of root root)" | sed 's#^#${AUTHORIZED_KEYS}:#'`,
  found: (look) => ({ authorizedKeys: look.file(AUTHORIZED_KEYS) }),
  steps(target, found, { authorizedKeys: wanted }) {
    if (!wanted || isSameList(found.authorizedKeys ?? [], wanted)) return [];
    return [authorizedKeysStep(target, wanted)];
  },
  actual: (found, { authorizedKeys }) => ({ authorizedKeys: authorizedKeys && (found.authorizedKeys ?? []) }),
} satisfies Setting<{ authorizedKeys?: string[] }, { authorizedKeys?: string[] }>;

/** Sets the authorized keys of root. */
export function authorizedKeysStep(target: Target, keys: string[]): Step {
  const step = { id: "set-authorized-keys", title: "Setting the authorized keys of root" };
  return insideStep(target, step, ["sh", "-c", SET_KEYS, "sh", ...tmpfiles(mountedRoot(target.name))], linesOf(keys));
}

// A home that is not there (of ostree and bootc, before the first boot) is made as their own first boot makes it.
const SET_KEYS = `${PATHS}
home=$(home_of root root)
keys=$(base64 -w 0)
{ [ -z "$home" ] || [ -d "./$home" ] || echo "d /$home 0700"
  echo "d \${home:+/$home}/.ssh 0700"
  echo "f+~ \${home:+/$home}/.ssh/authorized_keys 0600 - - - $keys"; } | "$@"
`;

/** Keys as the text of authorized_keys. */
export function linesOf(keys: readonly string[]): string {
  return keys.map((key) => `${key}\n`).join("");
}

export function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
