import type { Outcome, Read, Step } from "../host/batch.ts";
import { parseOnce } from "../host/parse-once.ts";
import { STORE } from "../host/records.ts";
import type { IdMap } from "../host/slot.ts";
import { mountedRoot } from "./root-mount.ts";
import { authorizedKeys, READ_KEYS } from "./root-settings/authorized-keys.ts";
import { consoleLogin } from "./root-settings/console-login.ts";
import { dhcp } from "./root-settings/dhcp.ts";
import { files } from "./root-settings/files.ts";
import { hostname } from "./root-settings/hostname.ts";
import { identity } from "./root-settings/identity.ts";
import { locale } from "./root-settings/locale.ts";
import { mask } from "./root-settings/mask.ts";
import { names } from "./root-settings/names.ts";
import { PATHS } from "./root-settings/paths.ts";
import { ping } from "./root-settings/ping.ts";
import { firstboot, type Look, type Setting, type Target, type Written } from "./root-settings/setting.ts";
import { timezone } from "./root-settings/timezone.ts";
import { units } from "./root-settings/units.ts";
import { users } from "./root-settings/users.ts";
import { exclusiveInspection, INSIDE, INSPECTION_LIMIT, insideRoot } from "./userns.ts";

// Settings in the root of a stopped container, read and written through the merged mount, inside of the container's own user
// namespace and with systemd's own tools. Each has a file of its own, and an entry here.

/** In the order in which they are written: units after what brings them, names after the units, of which one may be systemd-resolved. */
// biome-ignore lint/suspicious/noExplicitAny: settings of different inputs stand in one list
const SETTINGS: readonly Setting<any, any>[] = [
  identity,
  hostname,
  authorizedKeys,
  dhcp,
  mask,
  ping,
  timezone,
  locale,
  consoleLogin,
  users,
  files,
  units,
  names,
];

const READABLE = SETTINGS.flatMap((setting) => setting.files ?? []);
const LINKED = SETTINGS.flatMap((setting) => setting.links ?? []);

/** The inputs of all settings. */
export const settingInputs = {
  ...hostname.inputs,
  ...authorizedKeys.inputs,
  ...dhcp.inputs,
  ...names.inputs,
  ...units.inputs,
  ...mask.inputs,
  ...timezone.inputs,
  ...locale.inputs,
  ...users.inputs,
  files: files.inputs.files.refine(
    (declared) => Object.keys(declared ?? {}).every((path) => ![...READABLE, ...LINKED].includes(path.slice(1))),
    `has one that other inputs write: ${[...READABLE, ...LINKED].map((path) => `/${path}`).join(", ")}`,
  ),
};

/** What a root is found to be set to. */
export type FoundSettings = ReturnType<typeof identity.found> &
  ReturnType<typeof hostname.found> &
  ReturnType<typeof authorizedKeys.found> &
  ReturnType<typeof dhcp.found> &
  ReturnType<typeof mask.found> &
  ReturnType<typeof ping.found> &
  ReturnType<typeof timezone.found> &
  ReturnType<typeof locale.found> &
  ReturnType<typeof consoleLogin.found> &
  ReturnType<typeof users.found> &
  ReturnType<typeof files.found> &
  ReturnType<typeof units.found>;

// find does not follow links, so that what it prints lies in the root: every folder on the way is a folder there.
const parents = (file: string) =>
  file
    .split("/")
    .slice(0, -1)
    .map((_, i, all) => all.slice(0, i + 1).join("/"));
const test = (files: string[]) => [...new Set(files)].map((f) => `-path './${f}'`).join(" -o ");
const UNITS = "etc/systemd/system";
/** The folders of links by which a unit is started with another (systemd.unit(5)). */
const LINKS = ["wants", "requires", "upholds"];
const FIND = [
  `find . -mindepth 1 \\( \\( ${test([...[...READABLE, ...LINKED].flatMap(parents), UNITS])} ${LINKS.map((kind) => `-o -path './${UNITS}/*.${kind}'`).join(" ")} \\) -type d \\)`,
  `-o \\( \\( ${test(READABLE)} \\) -type f -size -128k -exec grep -H '' {} + \\)`,
  `-o \\( \\( ${test(LINKED)} \\) -type l -printf 'link:%P %l\\n' \\)`,
  `-o \\( -path './${UNITS}/*' -type l -printf 'unit:%f %l\\n' \\) -o -prune`,
].join(" ");
/** How many roots are looked at side by side. */
const SIDE_BY_SIDE = 32;

// In the folder of the root. The users and files are those that its record lists.
const LOOK = `
users=$1 files=$2
${PATHS}
${READ_KEYS}
${FIND}
code=$?
${SETTINGS.flatMap((setting) => setting.look ?? []).join("\n")}
exit $code`;

// A slow root costs its neighbours nothing but its own limit: roots are looked at side by side, and told in order, since
// observations are compared. The next batch removes the folder of one that was killed.
const READ = `
${exclusiveInspection}
${INSIDE}
# Every line says whose it is, where no container can reach: what one root holds cannot pass for another's. What one holds
# too much of, or takes too long to tell, is cut off, and lacks its last line.
look() {
  echo "$1 mounted"
  (inside "$2/guest/root" "$(stat -c %u "$2/guest")" sh -c 'timeout "$0" sh -c "$1" sh "$2" "$3"; echo "exit:$?"' \\
    "$limit" "$look" "$(listed users "$2")" "$(listed files "$2")") |
    head -c 262144 | sed "s#^\\./##; s/^/$1 /"
}
# A list of the record: its words have no character that JSON writes in another way.
listed() { sed -n "s/.*\\"$1\\":\\[\\([^]]*\\)\\].*/\\1/p" "$2/root.json" | tr -d '"' | tr , ' '; }
look='${LOOK.replaceAll("'", `'\\''`)}'
records=
for name; do records="$records ${STORE}/roots/$name/root.json"; done
set -- $records
limit=$((${INSPECTION_LIMIT} / (($# + ${SIDE_BY_SIDE - 1}) / ${SIDE_BY_SIDE})))
[ $limit -le 20 ] || limit=20
[ $limit -ge 1 ] || limit=1
d=$(mktemp -d /run/svirt-lxc/batch.$$.XXXXXX) && trap 'rm -rf "$d"' EXIT && trap 'exit 143' TERM || exit 1
n=0
for record; do
  [ -f "$record" ] || continue
  dir=\${record%/root.json}
  mountpoint -q "$dir/guest/root" || continue
  look "\${dir##*/}" "$dir" >"$d/$n" &
  n=$((n + 1))
  [ $((n % ${SIDE_BY_SIDE})) -ne 0 ] || wait
done
wait
i=0
while [ $i -lt $n ]; do cat "$d/$i"; i=$((i + 1)); done
`;

/** The settings of one root, or of all with "*". */
export function settingsRead(name: string): Read {
  return { key: "settings", argv: ["sh", "-c", READ, "sh"], of: [name] };
}

/** What was told of each root. */
const linesOfAll = parseOnce((listed) => {
  const lines = listed.split("\n").map((line) => /^(\S+) (.*)$/.exec(line)?.slice(1) ?? []);
  return Map.groupBy(lines, ([name]) => name);
});

function linesOf(outcome: Outcome, name: string): string[] {
  return (linesOfAll(outcome).get(name) ?? []).map(([, text = ""]) => text);
}

// find says 1 of what vanished while it looked.
const isWhole = (lines: string[]) => /^exit:[01]$/.test(lines.at(-1)!);

/** The root is mounted, and holds too much to be told whole, or took too long. */
export function isUnreadable(outcome: Outcome, name: string): boolean {
  const lines = linesOf(outcome, name);
  return lines.length > 0 && !isWhole(lines);
}

/** The settings of a mounted root; undefined if it is not mounted or could not be read whole. */
export function parseSettings(outcome: Outcome, name: string): FoundSettings | undefined {
  const lines = linesOf(outcome, name);
  if (lines.length === 0 || !isWhole(lines)) return undefined;
  const look = lookOf(lines);
  return Object.assign({}, ...SETTINGS.map((setting) => setting.found(look)));
}

function lookOf(lines: string[]): Look {
  const told = (word: string) => lines.flatMap((l) => (l.startsWith(`${word}:`) ? [l.slice(word.length + 1)] : []));
  const links = told("unit").map((link) => link.split(" "));
  const isMask = ([, target]: string[]) => target === "/dev/null";
  const wants = links.filter((link) => !isMask(link));
  return {
    file(path) {
      const own = told(path);
      return own.length > 0 ? own : undefined;
    },
    told,
    enabled: new Set(wants.flatMap(([name = "", target = ""]) => [name, target.split("/").at(-1) ?? ""])),
    masked: links.filter(isMask).map(([name = ""]) => name),
  };
}

/** What makes the settings of a root as wanted. */
export function settingsSteps(
  target: Target,
  found: FoundSettings | undefined,
  inputs: object,
  written: Written,
): Step[] {
  return SETTINGS.flatMap((setting) => setting.steps(target, found ?? {}, inputs, written));
}

/** The inputs as they are found. */
export function actualSettings(found: FoundSettings, inputs: object, written: Written): object {
  return Object.assign({}, ...SETTINGS.map((setting) => setting.actual(found, inputs, written)));
}

/** Sets root's password. It goes by standard input to systemd-firstboot's credential (systemd-firstboot(1)), which hashes it. */
export function passwordStep(name: string, idmap: IdMap, password: string): Step {
  const root = mountedRoot(name);
  return {
    id: "set-password",
    title: "Setting the password of root",
    argv: ["sh", "-c", SET_PASSWORD, "sh", String(idmap.start), ...insideRoot(root, idmap, firstboot({ name, idmap }))],
    stdin: password,
  };
}

// The folder must be open to the container's root, which /run/svirt-lxc is not.
const SET_PASSWORD = `
user=$1; shift
d=$(mktemp -d /run/svirt-lxc-credential.XXXXXX) && trap 'rm -rf "$d"' EXIT && trap 'exit 143' TERM || exit 1
cat >"$d/passwd.plaintext-password.root" && chown -R "$user:$user" "$d" && CREDENTIALS_DIRECTORY=$d "$@"
`;
