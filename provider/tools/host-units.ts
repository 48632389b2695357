import type { Step } from "../host/batch.ts";
import { auditLog } from "./audit-log.ts";
import { WRITE_CONFIG } from "./config-file.ts";
import { RELOAD_UNITS } from "./reload-units.ts";
import { signer } from "./signer.ts";
import { watch } from "./watch.ts";

/** Units of the host's systemd that do something for all containers, and the scripts that they run. */
export interface HostUnits {
  /** By their paths. */
  files: Readonly<Record<string, string>>;
  /** Unit files, by their names. */
  units: Readonly<Record<string, string>>;
  /** The unit that is started at boot. */
  enabled: string;
  /** One that is run when they are installed. */
  first?: string;
}

const ALL: readonly HostUnits[] = [watch, auditLog, signer];

const HEAD = "# Written by svirt-lxc.\n";
const FILES = ALL.flatMap(({ files, units }) => [
  ...Object.entries(files),
  ...Object.entries(units).map(([unit, text]) => [`/etc/systemd/system/${unit}`, text] as const),
]).map(([file, text]) => [file, HEAD + text] as const);
const NAMES = FILES.map(([file]) => file);
/** Those that systemd can hold: a template is none. */
const UNITS = ALL.flatMap(({ units }) => Object.keys(units))
  .filter((unit) => !unit.includes("@."))
  .join(" ");
const ENABLED = ALL.map(({ enabled }) => enabled).join(" ");
const FIRST = ALL.flatMap(({ first }) => first ?? []).join(" ");

/** Stands before the name of a file. */
const MARK = "#-- ";
const TEXT = FILES.map(([file, text]) => `${MARK}${file}\n${text}`).join("");

/** The command that prints the files, each after a line with its name, and whether all units are on: `is-active` asks for one. */
export const LIST_UNITS = `for f in ${NAMES.join(" ")}; do [ ! -e $f ] || { echo "${MARK}$f"; cat $f; }; done
on=$(systemctl show -p ActiveState,UnitFileState ${ENABLED} | grep -cxE 'ActiveState=active|UnitFileState=enabled')
[ "$on" != ${2 * ALL.length} ] || echo "${MARK}on"`;

/** What LIST_UNITS prints where all of it is there. */
export const INSTALLED = `${TEXT}${MARK}on`;

/** Is it, by what was printed? */
export function areInstalled(listed: string): boolean {
  return listed.trim() === INSTALLED;
}

/** Is any of it there? */
export function areLeft(listed: string): boolean {
  return listed.includes(MARK);
}

// The files come in one stream, each after its name.
const WRITE = `${WRITE_CONFIG}
${RELOAD_UNITS}
while IFS= read -r line; do
  case $line in
  "${MARK}"*) file=\${line#"${MARK}"}; mkdir -p "\${file%/*}" && : >"$file.next" ;;
  *) printf '%s\\n' "$line" >>"$file.next" ;;
  esac || exit 1
done
for file in "$@"; do write_config "$file" <"$file.next" && rm "$file.next" || exit 1; done
systemctl --root=/ enable -q ${ENABLED} && reload_units ${UNITS} && systemctl start ${ENABLED} ${FIRST}`;

export const installUnits: Step = {
  id: "install-units",
  title: "Installing the units that restart killed containers, keep audit records and sign evidence",
  argv: ["sh", "-c", WRITE, "sh", ...NAMES],
  stdin: TEXT,
};

const REMOVE = `${RELOAD_UNITS}
systemctl --root=/ disable -q ${ENABLED} 2>/dev/null; systemctl stop ${ENABLED} 2>/dev/null
rm -f "$@" && rm -rf /run/svirt-lxc-watch && { rmdir /etc/svirt-lxc 2>/dev/null || :; } && reload_units ${UNITS}`;

/** The audit records that were kept stay. */
export const removeUnits: Step = {
  id: "remove-units",
  title: "Removing the units that restart killed containers, keep audit records and sign evidence",
  argv: ["sh", "-c", REMOVE, "sh", ...NAMES],
};
