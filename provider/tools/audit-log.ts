import type { HostUnits } from "./host-units.ts";

const NAME = "svirt-lxc-audit";
const SCRIPT = "/etc/svirt-lxc/audit.sh";
/** What auditd has rotated away, the last first (auditd.conf(5)): a flood of denials fills all that it keeps within a minute. */
const ROTATED = "/var/log/audit/audit.log";
const FOLDER = "/var/log/svirt-lxc";
const LOG = `${FOLDER}/audit.log`;
/** The first record of each file that was kept, by which it is known again when it has another name. */
const SEEN = `${FOLDER}/seen`;
/** Of the denials of a container, how many of one kind are kept of each file that was rotated. */
const OF_A_KIND = 20;
/** Bytes after which our own log is rotated; one older one is kept. */
const LIMIT = 16 * 1024 * 1024;

/**
 * The script that keeps: each file that was not kept yet, the oldest first. All are opened before the first is read, since a flood
 * rotates faster than they are read: a file stays open, whatever it is called meanwhile, and when it is removed. Two passes over
 * each: first the events of which no more are kept, by their serial numbers, then the records of all others.
 */
export const KEEP = `umask 077
keep() { awk '
  { event = ""; if (match($0, /audit\\([0-9.]+:[0-9]+\\)/)) event = substr($0, RSTART, RLENGTH) }
  NR == FNR {
    if (/type=AVC .*scontext=[^ ]*:svirt_lxc_sys_t:/ && match($0, /denied  *{[^}]*}/)) {
      kind = substr($0, RSTART, RLENGTH)
      if (match($0, /scontext=.*/)) kind = kind substr($0, RSTART, RLENGTH)
      if (++seen[kind] > ${OF_A_KIND}) dropped[event]
    }
    next
  }
  !(event in dropped)' /proc/self/fd/3 /proc/self/fd/3; }
once() {
  IFS= read -r first <&3 || return 0
  ! grep -qxF -e "$first" ${SEEN} || return 0
  [ "$(stat -c %s ${LOG} 2>/dev/null || echo 0)" -lt ${LIMIT} ] || mv ${LOG} ${LOG}.1
  keep >>${LOG} && printf '%s\\n' "$first" >>${SEEN} && again=yes
}
all() {
  [ $# != 0 ] || return 0
  newest=$1; shift
  { all "$@"; once || failed=1; } 3<"$newest"
}
mkdir -p ${FOLDER} && : >>${SEEN} || exit 1
# Names change with each rotation: until nothing new is found under any.
again=yes
while [ $again ]; do
  again=
  all $(ls ${ROTATED}.[0-9]* 2>/dev/null | sort -t . -k 3 -n)
done
tail -n 100 ${SEEN} >${SEEN}.new && mv ${SEEN}.new ${SEEN}
exit \${failed:-0}
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
PathChanged=${ROTATED}.1
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
