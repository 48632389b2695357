import type { HostUnits } from "./host-units.ts";

const NAME = "svirt-lxc-audit";
const SCRIPT = "/etc/svirt-lxc/audit.sh";
/** What auditd has just rotated away (auditd.conf(5)): it keeps four more, which a flood of denials fills within a minute. */
const ROTATED = "/var/log/audit/audit.log.1";
const FOLDER = "/var/log/svirt-lxc";
const LOG = `${FOLDER}/audit.log`;
/** Of the denials of a container, how many of one kind are kept of each file that was rotated. */
const OF_A_KIND = 20;
/** Bytes after which our own log is rotated; one older one is kept. */
const LIMIT = 16 * 1024 * 1024;

// Two passes: first the events of which no more are kept, by their serial numbers, then the records of all others.
const KEEP = `umask 077
[ -r ${ROTATED} ] && mkdir -p ${FOLDER} || exit 1
[ "$(stat -c %s ${LOG} 2>/dev/null || echo 0)" -lt ${LIMIT} ] || mv ${LOG} ${LOG}.1
awk '
  { event = ""; if (match($0, /audit\\([0-9.]+:[0-9]+\\)/)) event = substr($0, RSTART, RLENGTH) }
  NR == FNR {
    if (/type=AVC .*scontext=[^ ]*:svirt_lxc_sys_t:/ && match($0, /denied  *{[^}]*}/)) {
      kind = substr($0, RSTART, RLENGTH)
      if (match($0, /scontext=.*/)) kind = kind substr($0, RSTART, RLENGTH)
      if (++seen[kind] > ${OF_A_KIND}) dropped[event]
    }
    next
  }
  !(event in dropped)' ${ROTATED} ${ROTATED} >>${LOG}
`;

/**
 * A container can have itself be denied something a thousand times a second, and auditd's log is rotated away with all that it
 * holds. Whenever that is rotated, what it held of others is kept, and of containers some of each kind. The kernel's own limit
 * (auditctl -r) would lose records of everybody alike, and what is not audited at all is no evidence.
 */
export const auditLog: HostUnits = {
  files: { [SCRIPT]: KEEP },
  units: {
    [`${NAME}.path`]: `[Unit]
Description=Rotations of the audit log

[Path]
PathChanged=${ROTATED}
TriggerLimitIntervalSec=0

[Install]
WantedBy=multi-user.target
`,
    [`${NAME}.service`]: `[Unit]
Description=Keep audit records that a flood of denials would push out
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/bin/sh ${SCRIPT}
`,
  },
  enabled: `${NAME}.path`,
};
