import type { Step } from "../../host/batch.ts";
import type { IdMap } from "../../host/slot.ts";
import { mountedRoot } from "../root-mount.ts";
import { insideRoot } from "../userns.ts";
import { tmpfiles } from "./tmpfiles.ts";

/** The names by which a container is to know itself and others. */
export interface Names {
  hostname: string;
  /** The resolver that it asks; none if its resolv.conf is its own business. */
  nameserver?: string;
  /** The domain of its network, which makes a neighbour's full name of its short one. */
  domain?: string;
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
