/**
 * A function of sh: `reload_units UNIT...` has systemd read units anew, if it holds another text of one of these, or does not say.
 * What it does not hold it reads by itself. A reload reads all units of the host, and so takes the longer the more there are.
 *
 * What was enabled by its link alone (`systemctl --root=/ enable`) is wanted from the next reload or boot on; it is started by name.
 */
export const RELOAD_UNITS = `reload_units() {
  case $(systemctl show -p NeedDaemonReload "$@" || echo =yes) in
  *=yes*) systemctl daemon-reload ;;
  esac
}`;
