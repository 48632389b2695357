/**
 * Functions of sh, for the folder of a root. Links are followed as the container would follow them, so that none leads out of
 * the root.
 *
 * - `resolve PATH` prints a path of the root as one without links, relative to that folder; nothing for the folder itself, and
 *   fails for one with unusual characters.
 * - `field_of USER NUMBER` prints a field of etc/passwd, unless that is a link.
 * - `home_of USER DEFAULT` prints where a user's home is, resolved. sshd(8) looks for keys in the home that etc/passwd names, and
 *   images of ostree and bootc have a link there: /root leads to var/roothome.
 */
export const PATHS = `
resolve() {
  rest=$1; at=; hops=0
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
  case $at in *[!A-Za-z0-9_@.+/-]*) return 1;; esac
  printf '%s\\n' "$at"
}
field_of() {
  [ ! -L etc ] && [ ! -L etc/passwd ] || return 0
  awk -F: -v name="$1" -v field="$2" '$1 == name { print $field; exit }' etc/passwd 2>/dev/null
}
home_of() {
  home=$(field_of "$1" 6)
  case $home in /*) ;; *) home=$2;; esac
  resolve "$home" || echo "$2"
}`;
