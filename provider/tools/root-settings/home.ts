import type { Step } from "../../host/batch.ts";
import type { IdMap } from "../../host/slot.ts";
import { mountedRoot } from "../root-mount.ts";
import { insideRoot } from "../userns.ts";
import { tmpfiles } from "./tmpfiles.ts";

/** How the lines of root's authorized_keys are marked in what a look prints, wherever its home is. */
export const AUTHORIZED_KEYS = "root/.ssh/authorized_keys";

/**
 * A function of sh, for the folder of a root: `home_of_root` prints where root's home is, as a path without links, relative to
 * that folder; nothing for the folder itself. sshd(8) looks for the keys in the home that etc/passwd names, and images of
 * ostree and bootc have a link there: /root leads to var/roothome. Links are followed as the container would follow them,
 * so that none leads out of the root. A path with unusual characters counts as /root.
 */
export const HOME_OF_ROOT = `
home_of_root() {
  rest=; at=; hops=0
  if [ ! -L etc ] && [ ! -L etc/passwd ]; then
    rest=$(sed -n 's/^root:[^:]*:[^:]*:[^:]*:[^:]*:\\(\\/[^:]*\\):.*/\\1/p' etc/passwd 2>/dev/null | head -n 1)
  fi
  [ -n "$rest" ] || rest=root
  while [ -n "$rest" ]; do
    part=\${rest%%/*}
    case $rest in */*) rest=\${rest#*/};; *) rest=;; esac
    case $part in
    ''|.) ;;
    ..) case $at in */*) at=\${at%/*};; *) at=;; esac;;
    *)
      if [ -L "./\${at:+$at/}$part" ] && [ $hops -lt 40 ]; then
        hops=$((hops + 1))
        link=$(readlink "./\${at:+$at/}$part")
        case $link in /*) at=;; esac
        rest=$link/$rest
      else
        at=\${at:+$at/}$part
      fi;;
    esac
  done
  case $at in *[!A-Za-z0-9_./-]*) at=root;; esac
  printf '%s\\n' "$at"
}`;

/** Sets the authorized keys of root. */
export function authorizedKeysStep(name: string, idmap: IdMap, keys: string[]): Step {
  const root = mountedRoot(name);
  return {
    id: "set-authorized-keys",
    title: "Setting the authorized keys of root",
    argv: insideRoot(root, idmap, ["sh", "-c", SET_KEYS, "sh", ...tmpfiles(root)]),
    stdin: keys.map((key) => `${key}\n`).join(""),
  };
}

// A home that is not there (of ostree and bootc, before the first boot) is made as their own first boot makes it.
const SET_KEYS = `${HOME_OF_ROOT}
home=$(home_of_root)
keys=$(base64 -w 0)
{ [ -z "$home" ] || [ -d "./$home" ] || echo "d /$home 0700"
  echo "d \${home:+/$home}/.ssh 0700"
  echo "f+~ \${home:+/$home}/.ssh/authorized_keys 0600 - - - $keys"; } | "$@"
`;
