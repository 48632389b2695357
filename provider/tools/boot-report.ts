import { DENIALS_OF } from "./denials.ts";
import { EXPLAIN } from "./troubleshooting.ts";
import { INSIDE, inspectionLock } from "./userns.ts";

/** Seconds for each of three looks at the journal. */
const JOURNAL_LIMIT = 10;

/**
 * Functions of sh. `report` prints how far a container got whose boot is waited for. Nothing of its root is executed, and it is
 * not asked: what it has told the kernel is read on the host (its interface, its ports, its control groups), and its journal by
 * the host's journalctl, as root of its users and no more than that. `printable` leaves no control characters of it.
 */
export const BOOT_REPORT = `
${INSIDE}
${EXPLAIN}
printable() { sed 's/\\x1b\\[[0-9;?!]*[A-Za-z]//g' | LC_ALL=C tr -c '[:print:]\\n' '?' | cut -c 1-500; }
words() { tr '\\n' ' ' | sed 's/^ *//; s/ *$//'; }
titled() { text=$(cat); [ -z "$text" ] || printf '%s\\n%s\\n' "$1" "$text"; }
# Its units, by their control groups.
units() {
  cgroup=$(sed -n 's/^0::\\(.*\\.scope\\/libvirt\\)\\/.*/\\1/p' "/proc/$init/cgroup" 2>/dev/null)
  [ -n "$cgroup" ] && echo "/sys/fs/cgroup$cgroup/system.slice"
}
runs() {
  slice=$(units) && grep -qx 'populated 1' "$slice/$1/cgroup.events" 2>/dev/null
}
running_units() {
  slice=$(units) && grep -lsx 'populated 1' "$slice"/*.service/cgroup.events | sed 's/.*\\/\\(.*\\)\\.service\\/[^/]*$/\\1/'
}
# The start is some seconds older than the wait.
since() {
  if [ -n "$init" ]; then stat -c %Y "/proc/$init"; else echo $(($(date +%s) - $(uptime) + began - 30)); fi
}
journal() {
  # What is kept over boots, and what is not.
  for folder in var/log/journal run/log/journal; do
    (inside "$tree" "$first" timeout ${JOURNAL_LIMIT} journalctl -q -D "$folder" --since "@$since" --no-pager --no-hostname "$@" </dev/null) 2>/dev/null
  done
}
${DENIALS_OF}
denials() {
  denials_of "$level" |
    awk -v since="$since" 'match($0, /audit\\([0-9]+/) && substr($0, RSTART + 6, RLENGTH - 6) + 0 < since { next } { print }' | tail -n 4
}
console() {
  tty=$(v dumpxml "$name" | sed -n "s/.*<console type='pty' tty='\\([^']*\\)'.*/\\1/p")
  [ -n "$tty" ] && timeout 2 cat "$tty" | tr -d '\\r'
}
report() {
  [ -n "$init" ] && [ -e "/proc/$init/exe" ] || init=
  since=$(since) tree=$root
  if [ -n "$init" ]; then
    tree=/proc/$init/root
    link=$(own_interface "$init")
    addresses=$(nsenter -t "$init" -n ip -o addr show dev "$link" scope global | sed 's/.* inet6\\{0,1\\} \\([^ ]*\\).*/\\1/' | words)
    echo "its interface $link has \${addresses:-no address}"
    ports=$(nsenter -t "$init" -n ss -Hltn | sed 's/.*:\\([0-9]*\\) .*:.*/\\1/' | sort -nu | head -n 20 | words)
    echo "it listens on \${ports:+port }\${ports:-no port}"
    echo "its init, $(cat "/proc/$init/comm"), has run for $(ps -o etimes= -p "$init" | words) s, and has started: $(running_units | head -n 30 | words)"
  fi
  (
    ${inspectionLock("-x", 20)}
    failed=$(journal -n 5000 -o cat _PID=1 | sed -n "s/^\\([^ ]*\\): Failed with result '\\(.*\\)'.*/\\1 (\\2)/p" | sort -u | head -n 10 | words)
    [ -z "$failed" ] || echo "failed units: $failed"
    journal -p warning -n 8 | titled "the last warnings in its journal:"
    journal -n 4 _PID=1 | titled "the last that its init did:"
  )
  console | tail -n 4 | titled "unread on its console:"
  [ -n "$init" ] || tail -n 5 "/var/log/libvirt/lxc/$name.log" | titled "libvirt's log of it:"
  denials | explain | titled "SELinux has denied to $level:"
}`;
