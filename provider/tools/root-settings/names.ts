import { z } from "zod";
import type { Step } from "../../host/batch.ts";
import type { IdMap } from "../../host/slot.ts";
import { mountedRoot } from "../root-mount.ts";
import { insideRoot } from "../userns.ts";
import { hostnameOf, type Named } from "./hostname.ts";
import type { Seeded, Setting } from "./setting.ts";
import { tmpfiles } from "./tmpfiles.ts";

const inputs = {
  /** IPv4 address of the resolver, with DHCP: the host's own in the network. Written into /etc/resolv.conf once, unless systemd-resolved runs; not touched if not given. */
  nameserver: z.ipv4("must be an IPv4 address such as 10.213.0.1").optional(),
  /** Domain of the network, in which neighbours are found by name. It goes with the nameserver, and with the own name into /etc/hosts. */
  domain: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)*$/, "must be a domain such as svirt-lxc.internal")
    .optional(),
};

/** The names by which a container is to know itself and others. */
interface Names {
  hostname: string;
  /** The resolver that it asks; none if its resolv.conf is its own business. */
  nameserver?: string;
  /** The domain of its network, which makes a neighbour's full name of its short one. */
  domain?: string;
}

interface Inputs extends Named {
  dhcp: boolean;
  nameserver?: string;
  domain?: string;
}

/** What is written once, and again when it follows from another declaration. */
export const names = {
  inputs,
  found: () => ({}),
  steps({ name, idmap }, _found, inputs, { seeded }) {
    const want = wantedSeeds(inputs, seeded);
    const hosts = want.hosts === seeded.hosts ? undefined : want.hosts;
    const resolver = want.resolver === seeded.resolver ? undefined : want.resolver;
    return hosts === undefined && resolver === undefined ? [] : [namesStep(name, idmap, hosts, resolver)];
  },
  actual: () => ({}),
} satisfies Setting<Inputs, object>;

/** What is to be written into a root once. */
export function wantedSeeds(inputs: Inputs, seeded: Seeded): Seeded {
  const wanted = { ...inputs, hostname: hostnameOf(inputs) };
  // A root that takes its address itself knows its resolver itself; what was written while it did not stays.
  const resolver = (wanted.dhcp ? resolverText(wanted) : undefined) ?? seeded.resolver;
  return { identity: true, hosts: ownHostsLine(wanted), ...(resolver !== undefined && { resolver }) };
}

/** The line of etc/hosts for the container's own name. 127.0.1.1 is what Debian uses for it, and needs no address. */
export function ownHostsLine({ hostname, domain }: Names): string {
  const [short] = hostname.split(".");
  const names = hostname.includes(".") ? [hostname, short] : [...(domain ? [`${hostname}.${domain}`] : []), hostname];
  return `127.0.1.1 ${names.join(" ")}`;
}

/** The text of etc/resolv.conf (resolv.conf(5)), if it is ours to write. */
export function resolverText({ nameserver, domain }: Names): string | undefined {
  if (nameserver === undefined) return undefined;
  return `nameserver ${nameserver}\n${domain === undefined ? "" : `search ${domain}\n`}`;
}

/**
 * Writes localhost and the own name into etc/hosts, where other lines stay, and a text into etc/resolv.conf: unless
 * systemd-resolved runs in the root and has its link there, which DHCP tells. What is undefined is left as it is.
 */
export function namesStep(name: string, idmap: IdMap, hosts: string | undefined, resolver: string | undefined): Step {
  const root = mountedRoot(name);
  const command = ["sh", "-c", WRITE_NAMES, "sh", hosts ?? "", ...tmpfiles(root, "--remove", "--create")];
  return {
    id: "write-names",
    title: "Writing /etc/hosts and /etc/resolv.conf",
    argv: insideRoot(root, idmap, command),
    stdin: resolver ?? "",
  };
}

// A link is replaced, not followed: tmpfiles.d(5) removes before it creates.
// systemd-resolved.service(8), /ETC/RESOLV.CONF: its link leads into /run/systemd/resolve, or to the file in /usr/lib.
const WRITE_NAMES = `
own=$1; shift
names_localhost() { printf '%s\\n' "$kept" | grep -Eq "^[[:space:]]*$1[[:space:]]+(.*[[:space:]])?localhost([[:space:]]|\\$)"; }
hosts() {
  kept=
  if [ ! -L etc ] && [ ! -L etc/hosts ] && [ -f etc/hosts ]; then
    kept=$(head -c 100000 etc/hosts | sed '/^[[:space:]]*127\\.0\\.1\\.1[[:space:]]/d')
  fi
  # In this order, a second time changes nothing.
  [ -z "$kept" ] || printf '%s\\n' "$kept"
  names_localhost '127\\.0\\.0\\.1' || echo "127.0.0.1 localhost"
  names_localhost '::1' || echo "::1 localhost ip6-localhost ip6-loopback"
  printf '%s\\n' "$own"
}
runs_resolved() {
  [ -e usr/lib/systemd/system/systemd-resolved.service ] || [ -e lib/systemd/system/systemd-resolved.service ] || return 1
  [ "$(readlink etc/systemd/system/systemd-resolved.service)" != /dev/null ] || return 1
  for link in etc/systemd/system/*.wants/systemd-resolved.service usr/lib/systemd/system/*.wants/systemd-resolved.service; do
    [ ! -L "$link" ] || return 0
  done
  return 1
}
has_own_resolver() {
  case $(readlink etc/resolv.conf) in
  *run/systemd/resolve/*|*lib/systemd/resolv.conf) runs_resolved;;
  *) return 1;;
  esac
}
text=$(base64 -w 0)
{
  [ -z "$own" ] || printf 'r /etc/hosts\\nf+~ /etc/hosts 0644 - - - %s\\n' "$(hosts | base64 -w 0)"
  [ -z "$text" ] || has_own_resolver || printf 'r /etc/resolv.conf\\nf+~ /etc/resolv.conf 0644 - - - %s\\n' "$text"
} | "$@"
`;
