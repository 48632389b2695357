import type { Step } from "../host/batch.ts";

// libvirt says "started" of a container whose init dies at once, and leases outlive their container. So it is asked for its
// state, and its own network namespace for its address and open ports.
const AWAIT = `
name=$1 address=$2 port=$3 level=$4
denials() {
  echo "denials of $level:"
  { ausearch --input-logs -m AVC,USER_AVC,SELINUX_ERR -ts recent 2>/dev/null || journalctl -k -g 'avc: *denied' --no-pager -o cat; } | grep 'avc: *denied' | grep -F "$level" | tail -n 4
}
while :; do
  if [ "$(virsh -q -c lxc:/// domstate "$name")" != running ]; then
    { echo "it stopped by itself"; denials; } >&2
    exit 3
  fi
  controller=$(cat "/run/libvirt/lxc/$name.pid" 2>/dev/null)
  init=$(cat "/proc/$controller/task/$controller/children" 2>/dev/null)
  init=\${init%% *}
  if [ -n "$init" ] && nsenter -t "$init" -n ip -o -4 addr show 2>/dev/null | grep -qF " $address/"; then
    [ -n "$port" ] || exit 0
    nsenter -t "$init" -n ss -Hltn "sport = :$port" 2>/dev/null | grep -q . && exit 0
  fi
  sleep 0.5
done
`;

/** What a container is waited for with. */
export interface Boot {
  name: string;
  label: string;
  address: string;
  port?: number;
}

/**
 * Waits until a container has its address and, if a port is given, listens on it. Fails as soon as it has stopped.
 */
export function awaitBoot({ name, label, address, port }: Boot): Step {
  const level = label.split(":").slice(3).join(":");
  return {
    id: "await-boot",
    subject: port === undefined ? address : `${address}:${port}`,
    title: `Waiting for ${address}${port === undefined ? "" : `, port ${port}`}`,
    argv: ["sh", "-c", AWAIT, "sh", name, address, port === undefined ? "" : String(port), level],
    timeout: 600,
    phase: "after",
  };
}
