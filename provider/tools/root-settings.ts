import { posix } from "node:path";
import type { Outcome, Read, Step, StepName } from "../host/batch.ts";
import type { IdMap } from "../host/slot.ts";
import { STORE } from "../host/store.ts";
import { mountedRoot } from "./root-mount.ts";
import { exclusiveInspection, INSIDE, insideRoot } from "./userns.ts";

// Settings in the root of a stopped container, read and written through the merged mount, inside of the container's own user
// namespace and with systemd's own tools.
const HOSTNAME = "etc/hostname";
const MACHINE_ID = "etc/machine-id";
const NETWORK = "etc/systemd/network/80-svirt-lxc.network";
const AUTHORIZED_KEYS = "root/.ssh/authorized_keys";
const HOST_KEY = "etc/ssh/ssh_host_ed25519_key";
const READABLE = [HOSTNAME, MACHINE_ID, NETWORK, AUTHORIZED_KEYS, `${HOST_KEY}.pub`];

/** DHCP on the container's interface (systemd.network(5)). The name that it is asked for by is that of the container. */
const DHCP = "[Match]\nName=eth0\n\n[Network]\nDHCP=ipv4\n\n[DHCPv4]\nClientIdentifier=mac\n";
const DHCP_UNIT = "systemd-networkd.service";

/** The kernel lets no user namespace mount these; tried at every boot, they would leave the system degraded. */
const MASKED = ["sys-kernel-config.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount"];

/** What a root is set to. */
export interface Settings {
  hostname: string;
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
const READ = `
${exclusiveInspection}
${INSIDE}
for record in ${STORE}/roots/$1/root.json; do
  [ -f "$record" ] || continue
  dir=\${record%/root.json}
  mountpoint -q "$dir/guest/root" || continue
  name=\${dir##*/}
  echo "$name mounted"
  # Every line says whose it is, where no container can reach: what one root holds cannot pass for another's. What one holds
  # too much of, or takes too long to tell, is cut off, and lacks its last line.
  (inside "$dir/guest/root" "$(stat -c %u "$dir/guest")" sh -c 'timeout 20 "$@"; echo "exit:$?"' sh ${FIND}) | head -c 262144 | sed "s#^\\./##; s/^/$name /"
done
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
    enabled: [...enabled].sort(),
    masked: masks.map(([name = ""]) => name).sort(),
    hasMachineId: /^[0-9a-f]{32}$/.test(file(MACHINE_ID)?.[0] ?? ""),
    hostKey: file(`${HOST_KEY}.pub`)?.[0]?.trim(),
  };
}

/** What makes the settings of a root as wanted. */
export function settingsSteps(name: string, idmap: IdMap, found: FoundSettings | undefined, wanted: Settings): Step[] {
  const root = mountedRoot(name);
  const steps: Step[] = [];
  const inside = (name: StepName, argv: string[], stdin?: string) =>
    steps.push({ ...name, argv: insideRoot(root, idmap, argv), ...(stdin === undefined ? {} : { stdin }) });

  if (!found?.hasMachineId)
    inside({ id: "set-machine-id", title: "Setting a machine id" }, [...firstboot(root), "--setup-machine-id"]);
  if (found?.hostname !== wanted.hostname) {
    inside({ id: "set-hostname", subject: wanted.hostname, title: `Setting the host name ${wanted.hostname}` }, [
      ...firstboot(root),
      `--hostname=${wanted.hostname}`,
    ]);
  }
  if (wanted.authorizedKeys && !sameList(found?.authorizedKeys ?? [], wanted.authorizedKeys)) {
    const content = wanted.authorizedKeys.map((key) => `${key}\n`).join("");
    inside(
      { id: "set-authorized-keys", title: "Setting the authorized keys of root" },
      tmpfiles(root),
      `d /${posix.dirname(AUTHORIZED_KEYS)} 0700\n${fileLine(`/${AUTHORIZED_KEYS}`, "0600", content)}`,
    );
  }
  if (!found?.hostKey) {
    steps.push({
      id: "create-host-key",
      title: "Creating the ssh host key",
      argv: ["sh", "-c", MAKE_HOST_KEY, "sh", ...insideRoot(root, idmap, tmpfiles(root))],
    });
  }
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
const tmpfiles = (root: string, what = "--create") => ["systemd-tmpfiles", `--root=${root}`, what, "-"];

// The private key never leaves the host; here it passes from a root-only folder in memory through a pipe. A shell that is ended
// by a signal runs no EXIT trap; what one that was killed left goes with the next batch.
const MAKE_HOST_KEY = `
d=$(mktemp -d /run/svirt-lxc/key.XXXXXX) && trap 'rm -rf "$d"' EXIT && trap 'exit 143' TERM || exit 1
ssh-keygen -q -t ed25519 -N '' -C '' -f "$d/key" || exit 1
{ echo "f+~ /${HOST_KEY} 0600 - - - $(base64 -w 0 "$d/key")"
  echo "f+~ /${HOST_KEY}.pub 0644 - - - $(base64 -w 0 "$d/key.pub")"; } | "$@"
`;

// The folder must be open to the container's root, which /run/svirt-lxc is not.
const SET_PASSWORD = `
user=$1; shift
d=$(mktemp -d /run/svirt-lxc-credential.XXXXXX) && trap 'rm -rf "$d"' EXIT && trap 'exit 143' TERM || exit 1
cat >"$d/passwd.plaintext-password.root" && chown -R "$user:$user" "$d" && CREDENTIALS_DIRECTORY=$d "$@"
`;

/** A line of tmpfiles.d(5) that writes a file. */
function fileLine(path: string, mode: string, content: string): string {
  return `f+~ ${path} ${mode} - - - ${Buffer.from(content).toString("base64")}\n`;
}

function sameList(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
