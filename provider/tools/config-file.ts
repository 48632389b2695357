import { PIPED } from "./piped.ts";

/**
 * A function of sh: `write_config FILE` makes standard input a file of the host's configuration, whole or not at all, with the
 * label that the policy has for it.
 */
export const WRITE_CONFIG = `${PIPED}
write_config() {
  mkdir -p "\${1%/*}" && cat >"$1.new" && chmod 0644 "$1.new" && piped restorecon "$1.new" && mv "$1.new" "$1"
}`;
