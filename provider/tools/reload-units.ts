/**
 * A function of sh: `reload_units UNIT...` has systemd read units anew, if it holds another text of one of these. What it does not
 * hold it reads by itself. A reload reads all units of the host, and so takes the longer the more there are.
 */
export const RELOAD_UNITS = `reload_units() {
  ! systemctl show -p NeedDaemonReload "$@" | grep -q =yes || systemctl daemon-reload
}`;
