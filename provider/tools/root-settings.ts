import type { Outcome, Read, Step, StepName } from "../host/batch.ts";
import { STORE } from "../host/records.ts";
import type { IdMap } from "../host/slot.ts";
import { mountedRoot } from "./root-mount.ts";
import { AUTHORIZED_KEYS, authorizedKeysStep, HOME_OF_ROOT } from "./root-settings/home.ts";
import { HOST_KEY, hostKeyStep, MACHINE_ID, machineIdStep } from "./root-settings/identity.ts";
import { type Names, namesStep, ownHostsLine, resolverText } from "./root-settings/names.ts";
import { fileLine, tmpfiles } from "./root-settings/tmpfiles.ts";
import { exclusiveInspection, INSIDE, INSPECTION_LIMIT, insideRoot } from "./userns.ts";

// Settings in the root of a stopped container, read and written through the merged mount, inside of the container's own user
// namespace and with systemd's own tools.
const HOSTNAME = "etc/hostname";
/** systemd-networkd takes the first file that matches, sorted by name across all folders (systemd.network(5)): `0-` sorts before `00-`. */
const NETWORK = "etc/systemd/network/0-svirt-lxc.network";
const SYSCTL = "etc/systemd/system/systemd-sysctl.service.d/svirt-lxc.conf";
const READABLE = [HOSTNAME, MACHINE_ID, NETWORK, SYSCTL, `${HOST_KEY}.pub`];

/**
 * DHCP on the container's interface (systemd.network(5)). The name that it is asked for by is that of the container.
 * UseDomains: systemd-resolved sends no name of a single label to a server, so it needs the network's domain to search.
 */
const DHCP = "[Match]\nName=eth0\n\n[Network]\nDHCP=ipv4\n\n[DHCPv4]\nClientIdentifier=mac\nUseDomains=yes\n";
const DHCP_UNIT = "systemd-networkd.service";

/**
 * Every group may ping. Today's ping has no file capability (Debian 13), but relies on this setting (icmp(7)); what distributions
 * set, all 2^31 groups, the kernel refuses in a user namespace that has fewer. systemd-sysctl does not run in a container, since
 * /proc/sys/net is read-only there as a whole; systemd-tmpfiles takes the way to the file for unsafe.
 */
const PING = `[Unit]
ConditionPathIsReadWrite=
ConditionPathIsReadWrite=/proc/sys/net/ipv4

[Service]
ExecStart=
ExecStart=/bin/sh -c 'echo 0 65535 >/proc/sys/net/ipv4/ping_group_range'
`;

/** The kernel lets no user namespace mount these; tried at every boot, they would leave the system degraded. */
const MASKED = ["sys-kernel-config.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount"];

/** What was written into a root once, when it was made or when what follows from the declaration changed; edits inside stay. */
export interface Seeded {
  /** What must be unique was made by us, whatever the image brought. */
  identity?: boolean;
  /** The line of etc/hosts for the own name. */
  hosts?: string;
  /** The text of etc/resolv.conf. */
  resolver?: string;
}

/** What a root is set to. */
export interface Settings extends Names {
  authorizedKeys?: string[];
  dhcp: boolean;
  /** Units that start with the container. */
  units: string[];
  /** Units that did, at our request, and no longer should. */
  unwanted: string[];
}

/** What a root is found to be set to. */
export interface FoundSettings {
  hostname?: string;
  authorizedKeys?: string[];
  /** The file that has it ask for its address by DHCP is there, as we write it. */
  networkFile: boolean;
  dhcp: boolean;
  /** The file that has every user ping is there, as we write it. */
  pingFile: boolean;
  /** Units that something in etc/systemd/system wants, by their own name or an alias. */
  enabled: string[];
  masked: string[];
  hasMachineId: boolean;
  /** The public half of the ssh host key. */
  hostKey?: string;
}

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
  `find . -mindepth 1 \\( \\( ${test([...READABLE.flatMap(parents), UNITS])} ${LINKS.map((kind) => `-o -path './${UNITS}/*.${kind}'`).join(" ")} \\) -type d \\)`,
  `-o \\( \\( ${test(READABLE)} \\) -type f -size -128k -exec grep -H '' {} + \\)`,
  `-o \\( -path './${UNITS}/*' -type l -printf 'unit:%f %l\\n' \\) -o -prune`,
].join(" ");
/** How many roots are looked at side by side. */
const SIDE_BY_SIDE = 32;

// In the folder of the root. The keys lie where root's home is, which a link may lead to.
const LOOK = `
${HOME_OF_ROOT}
${FIND}
code=$?
ssh=$(home_of_root)
ssh=./\${ssh:+$ssh/}.ssh
if [ -d "$ssh" ] && [ ! -L "$ssh" ]; then
  find "$ssh" -maxdepth 1 -name authorized_keys -type f -size -128k -exec grep -h '' {} + | sed 's#^#${AUTHORIZED_KEYS}:#'
fi
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
  (inside "$2/guest/root" "$(stat -c %u "$2/guest")" sh -c 'timeout "$0" sh -c "$1"; echo "exit:$?"' "$limit" "$look") |
    head -c 262144 | sed "s#^\\./##; s/^/$1 /"
}
look='${LOOK.replaceAll("'", `'\\''`)}'
set -- ${STORE}/roots/$1/root.json
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
  return { key: "settings", argv: ["sh", "-c", READ, "sh", name] };
}

/** What was told of one root. */
function linesOf(outcome: Outcome, name: string): string[] {
  const lines = outcome.stdout.split("\n").filter((line) => line.startsWith(`${name} `));
  return lines.map((line) => line.slice(name.length + 1));
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
  const file = (path: string) => {
    const own = lines.filter((l) => l.startsWith(`${path}:`)).map((l) => l.slice(path.length + 1));
    return own.length > 0 ? own : undefined;
  };
  const links = lines.filter((l) => l.startsWith("unit:")).map((l) => l.slice("unit:".length).split(" "));
  const masks = links.filter(([, target]) => target === "/dev/null");
  const wants = links.filter(([, target]) => target !== "/dev/null");
  const enabled = new Set(wants.flatMap(([name = "", target = ""]) => [name, target.split("/").at(-1) ?? ""]));
  const networkFile = file(NETWORK)?.join("\n") === DHCP.trimEnd();
  return {
    hostname: file(HOSTNAME)?.[0],
    authorizedKeys: file(AUTHORIZED_KEYS),
    networkFile,
    dhcp: networkFile && enabled.has(DHCP_UNIT),
    pingFile: file(SYSCTL)?.join("\n") === PING.trimEnd(),
    enabled: [...enabled].sort(),
    masked: masks.map(([name = ""]) => name).sort(),
    hasMachineId: /^[0-9a-f]{32}$/.test(file(MACHINE_ID)?.[0] ?? ""),
    hostKey: file(`${HOST_KEY}.pub`)?.[0]?.trim(),
  };
}

/** What is to be written into a root once. */
export function wantedSeeds(wanted: Settings, seeded: Seeded): Seeded {
  // A root that takes its address itself knows its resolver itself; what was written while it did not stays.
  const resolver = (wanted.dhcp ? resolverText(wanted) : undefined) ?? seeded.resolver;
  return { identity: true, hosts: ownHostsLine(wanted), ...(resolver !== undefined && { resolver }) };
}

/** What makes the settings of a root as wanted. */
export function settingsSteps(
  name: string,
  idmap: IdMap,
  found: FoundSettings | undefined,
  wanted: Settings,
  seeded: Seeded,
): Step[] {
  const root = mountedRoot(name);
  const steps: Step[] = [];
  const inside = (name: StepName, argv: string[], stdin?: string) =>
    steps.push({ ...name, argv: insideRoot(root, idmap, argv), ...(stdin === undefined ? {} : { stdin }) });

  // Without a record of it, the identity is made as a whole.
  if (seeded.identity && !found?.hasMachineId) steps.push(machineIdStep(name, idmap));
  if (seeded.identity && !found?.hostKey) steps.push(hostKeyStep(name, idmap));
  if (found?.hostname !== wanted.hostname) {
    inside({ id: "set-hostname", subject: wanted.hostname, title: `Setting the host name ${wanted.hostname}` }, [
      ...firstboot(root),
      `--hostname=${wanted.hostname}`,
    ]);
  }
  if (wanted.authorizedKeys && !sameList(found?.authorizedKeys ?? [], wanted.authorizedKeys))
    steps.push(authorizedKeysStep(name, idmap, wanted.authorizedKeys));
  if (wanted.dhcp && !found?.networkFile) {
    inside(
      { id: "write-network-file", title: "Configuring DHCP" },
      tmpfiles(root),
      fileLine(`/${NETWORK}`, "0644", DHCP),
    );
  }
  if (wanted.dhcp && !found?.enabled.includes(DHCP_UNIT)) {
    inside({ id: "enable-dhcp", title: `Enabling ${DHCP_UNIT}` }, ["systemctl", `--root=${root}`, "enable", DHCP_UNIT]);
  }
  // The file goes last: it tells that the unit was enabled by us.
  if (!wanted.dhcp && found?.networkFile) {
    inside({ id: "disable-dhcp", title: `Disabling ${DHCP_UNIT}` }, [
      "systemctl",
      `--root=${root}`,
      "disable",
      DHCP_UNIT,
    ]);
    inside(
      { id: "remove-network-file", title: "Removing the configuration of DHCP" },
      tmpfiles(root, "--remove"),
      `r /${NETWORK}\n`,
    );
  }
  if (!MASKED.every((unit) => found?.masked.includes(unit))) {
    inside({ id: "mask-mounts", title: "Masking what no container can mount" }, [
      "systemctl",
      `--root=${root}`,
      "mask",
      ...MASKED,
    ]);
  }
  if (!found?.pingFile)
    inside(
      { id: "allow-ping", title: "Allowing every user to ping" },
      tmpfiles(root),
      fileLine(`/${SYSCTL}`, "0644", PING),
    );
  const enabled = (unit: string) => found?.enabled.includes(unit) ?? false;
  const missing = wanted.units.filter((unit) => !enabled(unit));
  if (missing.length > 0)
    inside({ id: "enable-units", subject: missing.join(" "), title: `Enabling ${missing.join(" ")}` }, [
      "systemctl",
      `--root=${root}`,
      "enable",
      ...missing,
    ]);
  const stale = wanted.unwanted.filter((unit) => enabled(unit) && !(wanted.dhcp && unit === DHCP_UNIT));
  if (stale.length > 0)
    inside({ id: "disable-units", subject: stale.join(" "), title: `Disabling ${stale.join(" ")}` }, [
      "systemctl",
      `--root=${root}`,
      "disable",
      ...stale,
    ]);
  const want = wantedSeeds(wanted, seeded);
  const hosts = want.hosts === seeded.hosts ? undefined : want.hosts;
  const resolver = want.resolver === seeded.resolver ? undefined : want.resolver;
  // After the units: whether systemd-resolved runs is one of them.
  if (hosts !== undefined || resolver !== undefined) steps.push(namesStep(name, idmap, hosts, resolver));
  return steps;
}

/** Sets root's password. It goes by standard input to systemd-firstboot's credential (systemd-firstboot(1)), which hashes it. */
export function passwordStep(name: string, idmap: IdMap, password: string): Step {
  const root = mountedRoot(name);
  return {
    id: "set-password",
    title: "Setting the password of root",
    argv: ["sh", "-c", SET_PASSWORD, "sh", String(idmap.start), ...insideRoot(root, idmap, firstboot(root))],
    stdin: password,
  };
}

const firstboot = (root: string) => ["systemd-firstboot", `--root=${root}`, "--force"];

// The folder must be open to the container's root, which /run/svirt-lxc is not.
const SET_PASSWORD = `
user=$1; shift
d=$(mktemp -d /run/svirt-lxc-credential.XXXXXX) && trap 'rm -rf "$d"' EXIT && trap 'exit 143' TERM || exit 1
cat >"$d/passwd.plaintext-password.root" && chown -R "$user:$user" "$d" && CREDENTIALS_DIRECTORY=$d "$@"
`;

function sameList(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
