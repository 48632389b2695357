import type { Step } from "../host/batch.ts";
import { BOOT_REPORT } from "./boot-report.ts";
import { OWN_INTERFACE } from "./own-interface.ts";
import { UPTIME } from "./uptime.ts";
import { V } from "./virsh.ts";

/** Seconds that a container has for its boot; then, what the report of why it did not come up may take. */
const BOOT_LIMIT = 480;
const REPORT_LIMIT = 90;

// libvirt says "started" of a container whose init dies at once, and leases outlive their container. So it is asked for its
// state, and its own network namespace for its address and open ports.
const AWAIT = `
name=$1 address=$2 port=$3 level=$4 root=$5 first=$6 limit=$7
${V}
${OWN_INTERFACE}
${UPTIME}
${BOOT_REPORT}
fail() { { echo "$1"; report; } 2>/dev/null | printable >&2; exit 3; }
began=$(uptime) silent=0
while :; do
  case $(v domstate "$name" 2>/dev/null) in
  running) silent=0;;
  paused) fail "$name is paused: virsh -c lxc:/// resume $name";;
  # A libvirt that is being restarted answers again.
  '') silent=$((silent + 1)); [ $silent -lt 20 ] || fail "libvirt does not tell the state of $name";;
  *) fail "$name has stopped by itself";;
  esac
  controller=$(cat "/run/libvirt/lxc/$name.pid" 2>/dev/null)
  init=$(cat "/proc/$controller/task/$controller/children" 2>/dev/null)
  init=\${init%% *}
  if [ -n "$init" ]; then
    if nsenter -t "$init" -n ip -o -4 addr show dev "$(own_interface "$init")" 2>/dev/null | grep -qF " $address/"; then
      [ -n "$port" ] || exit 0
      nsenter -t "$init" -n ss -Hltn "sport = :$port" 2>/dev/null | grep -q . && exit 0
    fi
    # Nobody is there to log in, without which it goes no further (systemd.special(7)).
    for unit in emergency rescue; do
      runs "$unit.service" && fail "$name has stopped its boot in $unit mode"
    done
  fi
  [ $(($(uptime) - began)) -lt "$limit" ] || fail "$name was waited for in vain for $limit s: $address\${port:+, port $port}"
  sleep 0.5
done
`;

/** What a container is waited for with. */
export interface Boot {
  name: string;
  label: string;
  address: string;
  port?: number;
  /** Folder of its root on the host, and the first of its ids. */
  path: string;
  idmap: { start: number };
}

/**
 * Waits until a container has its address and, if a port is given, listens on it. Fails as soon as it is certain not to come, or
 * after `limit` seconds, with a report of how far it got.
 */
export function awaitBoot({ name, label, address, port, path, idmap }: Boot, limit = BOOT_LIMIT): Step {
  const level = label.split(":").slice(3).join(":");
  const rest = [port === undefined ? "" : String(port), level, path, String(idmap.start), String(limit)];
  return {
    id: "await-boot",
    subject: port === undefined ? address : `${address}:${port}`,
    title: `Waiting for ${address}${port === undefined ? "" : `, port ${port}`}`,
    argv: ["sh", "-c", AWAIT, "sh", name, address, ...rest],
    timeout: limit + REPORT_LIMIT + 30,
    report: true,
    phase: "after",
    remedy: `mend what the report names, then run the same command again; to look inside: \`virsh -c lxc:/// console ${name}\` on the host`,
  };
}
