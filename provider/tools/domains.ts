import type { Read } from "../host/batch.ts";
import { parseOnce } from "../host/parse-once.ts";
import { type FoundDomain, parseDomainXml } from "./domain-xml.ts";
import { mountedRoot } from "./root-mount.ts";
import { EXIT_UNAVAILABLE, LIST_ALL } from "./virsh.ts";
import { decodeEntities } from "./xml.ts";

/** A domain as libvirt tells it. */
export interface DomainInfo {
  autostart: boolean;
  running: boolean;
  /** It was started, and is frozen. */
  paused: boolean;
  /** The configuration that the next start uses, as XML and as it is understood. */
  readonly xml: string;
  readonly next: FoundDomain;
  /** The configuration that the running domain was started with. */
  readonly live: FoundDomain | undefined;
}

/** Where the LXC driver keeps the XML of its domains: that of the next start, and that of those which run. */
const KEPT = "/etc/libvirt/lxc/*.xml /run/libvirt/lxc/*.xml";

// Before libvirt is installed there are none. Names of other people's domains may hold anything, so they are asked for by UUID.
// Each is named; XML is asked of those that are wanted, and of whoever stands on their roots. virsh's own echo ends no line. What
// is another with each start is left out: a container that reboots itself over and over would make every look outdated.
const DOMAINS = `
command -v virsh >/dev/null || exit 0
${LIST_ALL}
wanted=" $* "
wanted_of() {
  [ "$wanted" != ' * ' ] || { printf '%s\\n' "$1" | cut -d ' ' -f 1; return; }
  users=$(printf "<source dir='${mountedRoot("%s")}'/>\\n" $wanted | grep -lsFf - ${KEPT} | xargs -r -d '\\n' sed -n 's/^ *<uuid>\\(.*\\)<.*/\\1/p')
  printf '%s\\n' "$1" | while read -r u n; do
    case $wanted in *" $n "*) echo $u;; *) case $users in *$u*) echo $u;; esac;; esac
  done
}
look() {
  all=$(v list --all --uuid --name) && auto=$(v list --all --autostart --uuid) || return 1
  [ -n "$all" ] || return 0
  these=$(wanted_of "$all")
  ask=
  for u in $these; do
    case "$auto" in *$u*) a=yes;; *) a=no;; esac
    ask="$ask echo '@domain $a '; domstate $u; echo '@xml '; dumpxml --inactive $u; echo '@live '; dumpxml $u;"
  done
  documents=$(list_all "$these" "$ask" 2) || return 1
  printf '%s\\n' "$all" | sed 's/^[^ ]* */@name /; s/ *$//'
  [ -z "$documents" ] || printf '%s\\n' "$documents" |
    sed "/^@live /s/ id='[0-9]*'//; s/ portid='[^']*'//; s/ tty='[^']*'//; /<target dev='vnet/d; /<source path='.dev.pts/d"
}
retry
`;

/** The LXC domain of a container, and all that stand on its root, or all of the host with "*". */
export function domainsRead(name: string): Read {
  return {
    key: "domains",
    argv: ["sh", "-c", DOMAINS, "sh"],
    of: [name],
    unavailableExitCodes: [EXIT_UNAVAILABLE],
  };
}

/** What all LXC domains of the host are called, whomever the look was asked of. */
export const parseDomainNames = parseOnce(
  (listed) => new Set([...listed.matchAll(/^@name (.*)$/gm)].map(([, name]) => name!)),
);

/** The domains that the look was asked of, by name. */
export const parseDomains = parseOnce(readDomains);

function readDomains(listed: string): Map<string, DomainInfo> {
  const domains = new Map<string, DomainInfo>();
  for (const part of listed.split(/^@domain /m).slice(1)) {
    const [head = "", xml = "", live = ""] = part.split(/^@(?:xml|live) /m);
    const [, autostart, state = ""] = /^(yes|no) (.*)/.exec(head) ?? [];
    const name = /^\s*<name>(.*)<\/name>/m.exec(xml)?.[1];
    if (name === undefined) continue;
    // Not trimmed, as the XML parser would: someone's "web " is not our "web".
    const running = state !== "shut off";
    domains.set(
      decodeEntities(name),
      understoodOnDemand({ autostart: autostart === "yes", running, paused: state === "paused" }, xml, live),
    );
  }
  return domains;
}

/** Most who look at a host need one of its domains: XML is parsed for who asks, once. */
function understoodOnDemand(
  state: Pick<DomainInfo, "autostart" | "running" | "paused">,
  xml: string,
  live: string,
): DomainInfo {
  let [next, now]: FoundDomain[] = [];
  return {
    ...state,
    xml,
    get next() {
      next ??= parseDomainXml(xml);
      return next;
    },
    get live() {
      if (state.running) now ??= parseDomainXml(live);
      return now;
    },
  };
}
