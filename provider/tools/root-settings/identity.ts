import type { Step } from "../../host/batch.ts";
import { STORE } from "../../host/records.ts";
import type { IdMap } from "../../host/slot.ts";
import { mountedRoot } from "../root-mount.ts";
import { INSIDE, insideRoot } from "../userns.ts";
import type { Setting } from "./setting.ts";
import { tmpfiles } from "./tmpfiles.ts";

const MACHINE_ID = "etc/machine-id";
const HOST_KEY = "etc/ssh/ssh_host_ed25519_key";

/** The types of ssh host keys that ssh-keygen(1) makes, besides ed25519. */
const FURTHER_KEY_TYPES = ["rsa", "ecdsa"];

/**
 * What an image may hold that must be no two machines' own (https://systemd.io/BUILDING_IMAGES and virt-sysprep(1) list such
 * files). All of it is removed; the machine id and the ssh host keys are made anew by us, the rest by its owner when it needs it.
 */
const IMAGE_IDENTITY: [path: string, reason: string][] = [
  ["etc/ssh/ssh_host_*", "host keys of every type, and their certificates: who has one can pass for the container"],
  ["var/lib/dbus/machine-id", "a copy of the machine id; D-Bus reads etc/machine-id where it is missing"],
  ["var/lib/systemd/random-seed", "random(4) would start alike"],
  ["var/lib/urandom/random-seed", "the same, of sysvinit"],
  ["var/lib/systemd/credential.secret", "the key of encrypted credentials (systemd-creds(1))"],
  ["var/lib/NetworkManager/secret_key", "stable addresses and client ids follow from it (NetworkManager.conf(5))"],
  ["var/lib/NetworkManager/*.lease", "leases of the machine that the image was made on"],
  ["var/lib/dhcp/*.leases", "the same, of dhclient: they hold its DUID"],
  ["var/lib/dhclient/*.lease*", "the same, on Fedora"],
  ["var/lib/dhcpcd/duid", "the DHCP client's own name (dhcpcd(8))"],
  ["var/lib/dhcpcd/secret", "stable private addresses follow from it (RFC 7217)"],
  ["etc/hostid", "gethostid(3), by which ZFS tells machines apart"],
  ["etc/iscsi/initiatorname.iscsi", "the name by which iSCSI targets know a machine"],
  ["etc/nvme/hostnqn", "the name by which NVMe targets know a machine"],
  ["etc/nvme/hostid", "the same, as a UUID"],
];

interface Found {
  hasMachineId: boolean;
  /** The public half of the ssh host key. */
  hostKey?: string;
}

/** What must be unique, mended where it was lost. Without a record of it, it is made as a whole: see identityStep. */
export const identity = {
  inputs: {},
  files: [MACHINE_ID, `${HOST_KEY}.pub`],
  found: (look) => ({
    hasMachineId: /^[0-9a-f]{32}$/.test(look.file(MACHINE_ID)?.[0] ?? ""),
    hostKey: look.file(`${HOST_KEY}.pub`)?.[0]?.trim(),
  }),
  steps({ name, idmap }, found, _inputs, { seeded }) {
    if (!seeded.identity) return [];
    return [
      ...(found.hasMachineId ? [] : [machineIdStep(name, idmap)]),
      ...(found.hostKey ? [] : [hostKeyStep(name, idmap)]),
    ];
  },
  actual: () => ({}),
} satisfies Setting<object, Found>;

/**
 * Replaces the identity that an image brings, whatever is there: that a file exists does not tell whose it is. It is one step,
 * which can be repeated, and the record that it succeeded is written after it. An ssh host key of type ed25519 is made, and one
 * of each further type that the image has: its sshd_config may name them. Which these are is asked of the image itself, which
 * stays as it is when a create breaks off.
 */
export function identityStep(name: string, idmap: IdMap, image: string): Step {
  const root = mountedRoot(name);
  return {
    id: "create-identity",
    title: "Creating the machine id and the ssh host keys, in place of the image's",
    argv: ["sh", "-c", CREATE_IDENTITY, "sh", root, String(idmap.start), `${STORE}/images/${image}/root/etc/ssh`],
    stdin: IMAGE_IDENTITY.map(([path]) => `r /${path}\n`).join(""),
  };
}

/** Sets a machine id in place of one that was lost. */
function machineIdStep(name: string, idmap: IdMap): Step {
  const root = mountedRoot(name);
  return {
    id: "set-machine-id",
    title: "Setting a machine id",
    argv: insideRoot(root, idmap, ["systemd-firstboot", `--root=${root}`, "--force", "--setup-machine-id"]),
  };
}

/** Creates the ssh host key that is pinned, in place of one that was lost; keys of other types stay. */
export function hostKeyStep(name: string, idmap: IdMap): Step {
  const root = mountedRoot(name);
  return {
    id: "create-host-key",
    title: "Creating the ssh host key",
    argv: ["sh", "-c", CREATE_HOST_KEY, "sh", ...insideRoot(root, idmap, tmpfiles(root))],
  };
}

// The private keys never leave the host; here they pass from a root-only folder in memory through a pipe. A shell that is ended
// by a signal runs no EXIT trap; the next batch removes what one that was killed left.
const HOST_KEYS = `
d=$(mktemp -d /run/svirt-lxc/key.XXXXXX) && trap 'rm -rf "$d"' EXIT && trap 'exit 143' TERM || exit 1
make_host_key() {
  ssh-keygen -q -t "$1" -N '' -C '' -f "$d/$1" || exit 1
  echo "f+~ /etc/ssh/ssh_host_$1_key 0600 - - - $(base64 -w 0 "$d/$1")" >>"$d/lines"
  echo "f+~ /etc/ssh/ssh_host_$1_key.pub 0644 - - - $(base64 -w 0 "$d/$1.pub")" >>"$d/lines"
}`;
const CREATE_HOST_KEY = `${HOST_KEYS}
make_host_key ed25519
"$@" <"$d/lines"
`;
const CREATE_IDENTITY = `${INSIDE}
${HOST_KEYS}
root=$1 ids=$2 image=$3
cat >"$d/lines"
make_host_key ed25519
for type in ${FURTHER_KEY_TYPES.join(" ")}; do
  [ ! -e "$image/ssh_host_\${type}_key" ] || make_host_key $type
done
(inside "$root" "$ids" systemd-tmpfiles "--root=$root" --remove --create -) <"$d/lines" || exit 1
(inside "$root" "$ids" systemd-firstboot "--root=$root" --force --setup-machine-id)
`;
