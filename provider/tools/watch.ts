import { NAMESPACE } from "./domain-parts.ts";
import type { HostUnits } from "./host-units.ts";
import { V } from "./virsh.ts";

/*
 * Two things of a container that libvirt's LXC driver does not do, done by the host's systemd whenever libvirt starts or ends one:
 * its controller is spared when memory is short, and a container that was killed is started again. No process waits for it.
 */

const NAME = "svirt-lxc-watch";
const SCRIPT = "/etc/svirt-lxc/watch.sh";
const RESTART = "svirt-lxc-restart@.service";
/** Where libvirt has a socket and a process id for each container that runs. */
const RUNNING = "/run/libvirt/lxc";

// libvirt tells "shut off (shutdown)" of whatever ended by itself. Its controller removes its socket when it ends in order, so one
// that is left is of a controller that was killed; of an init that was killed for memory, the log of the kernel tells. The script
// runs again when something changed while it ran.
const WATCH = `cd /run/${NAME} || exit 1
${V}
was_killed() { # NAME INIT
  [ -S ${RUNNING}/$1.sock ] || dmesg | grep -q "oom-kill:.*,pid=$2,uid="
}
pass() {
  ask=
  for name in $(v list --all --name | grep -x '[a-z0-9-]*'); do
    ask="$ask echo '@ $name '; domid $name; domstate --reason $name; dumpxml --inactive $name;"
  done
  [ -n "$ask" ] || return 0
  v "$ask" | awk '
    function tell() { if (ours) print name, id, restart, state }
    /^@ / { tell(); name = $2; id = $3; ours = 0; state = ""; restart = "on-failure"; next }
    state == "" && NF > 0 { state = $0; next }
    /xmlns:svirt="${NAMESPACE}"/ { ours = 1; if (/ restart="never"/) restart = "never" }
    END { tell() }' |
    while read -r name id restart state; do
      if [ "$id" != - ]; then
        init=$(cat "/proc/$id/task/$id/children"); init=\${init%% *}
        [ "$(cat "$name" 2>/dev/null)" = "$init" ] || { choom -n -1000 -p "$id" && echo "$init" >"$name"; }
      elif [ -e "$name" ]; then
        init=$(cat "$name"); rm "$name"
        [ "$restart" = never ] || [ "$state" != "shut off (shutdown)" ] || ! was_killed "$name" "$init" || {
          echo "the container $name was killed; starting it again"
          systemctl start --no-block "svirt-lxc-restart@$name.service"
        }
      fi
    done
}
changed() { find ${RUNNING} -maxdepth 0 -printf %T@ 2>/dev/null; }
last=
while now=$(changed) && [ "$now" != "$last" ]; do last=$now; pass; done
`;

export const watch: HostUnits = {
  files: { [SCRIPT]: WATCH },
  units: {
    [`${NAME}.path`]: `[Unit]
Description=Starts and ends of libvirt's LXC containers

[Path]
PathChanged=${RUNNING}
TriggerLimitIntervalSec=0

[Install]
WantedBy=multi-user.target
`,
    [`${NAME}.service`]: `[Unit]
Description=Spare the controllers of containers when memory is short, and restart containers that were killed
StartLimitIntervalSec=0

[Service]
Type=oneshot
RuntimeDirectory=${NAME}
RuntimeDirectoryPreserve=yes
ExecStart=/bin/sh ${SCRIPT}
`,
    [RESTART]: `[Unit]
Description=Restart of the container %i, which was killed
StartLimitIntervalSec=10min
StartLimitBurst=5

[Service]
Type=oneshot
ExecStart=/usr/bin/virsh -q -c lxc:/// start %i
`,
  },
  enabled: `${NAME}.path`,
  // For the containers that run already.
  first: `${NAME}.service`,
};
