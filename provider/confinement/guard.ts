import type { Outcome, Read, Step } from "../host/batch.ts";
import { STORE } from "../host/records.ts";
import { FIRST_ID, IDS, SLOTS } from "../host/slot.ts";
import { NAMESPACE } from "../tools/domain-parts.ts";
import { PIPED } from "../tools/piped.ts";
import { signerFiles, UNSIGNED } from "../tools/signer.ts";
import { ASK_POLICY } from "./ask-policy.ts";
import { PROCESS_TYPE } from "./judge.ts";

/*
 * The start guard: libvirt runs it at each start of a container, whoever starts it, and ends one that it does not find confined
 * (https://libvirt.org/hooks.html). It is in a domain of its own: with the label that the policy has for hooks, no container of
 * the host would start at all.
 */

const GUARD = "/etc/libvirt/hooks/lxc.d/svirt-lxc";
const EXEC = "system_u:object_r:svirt_lxc_guard_exec_t:s0";
/** So much may wait to be signed: a host that does not sign is not filled up by starts. */
const MOST_UNSIGNED = 1000;
/** A line a container: what the guard found at its last start. */
export const PROOFS = `${STORE}/proofs`;

/**
 * The guard itself, a script of sh, with the domain's definition on standard input: there, only libvirt's own elements begin with "<".
 * In "prepare" nothing runs yet. In "started" the init is libvirt's controller still, which goes on without waiting for us: so what
 * it will be is polled for. The root's record stands for a slot's that was lost.
 */
export const SCRIPT = `#!/bin/sh
# Written by svirt-lxc. Run by libvirt with NAME OPERATION at each start of a container; not 0 ends the start.
case $2 in prepare | started) ;; *) exit 0 ;; esac
name=$1
xml=$(cat)
case $name in *[!a-z0-9-]*) exit 0 ;; esac
case $xml in *'"${NAMESPACE}"'* | *"'${NAMESPACE}'"*) ;; *) [ -d ${STORE}/roots/$name ] || exit 0 ;; esac

sign() { # FACTS, for the host to sign
  { set -- "$1" ${UNSIGNED}/* && [ $# -le ${MOST_UNSIGNED} ] && printf '%s\n' "$1" >${UNSIGNED}/$name.start.$$; } 2>/dev/null
}
refuse() {
  echo "svirt-lxc: the container $name is not confined: $1" >&2
  sign "start\tended\t$1"
  echo "refused $1" >${PROOFS}/$name
  exit 1
}
between() { # BEGIN END; sets found to what is between them in the XML
  found=
  case $xml in *"$1"*) found=\${xml#*"$1"}; found=\${found%%"$2"*} ;; esac
}

between "<uid start='0' target='" "'/>"; ids=$found
between "<gid start='0' target='" "'/>"
[ "$ids" = "$found" ] || refuse "its definition maps its groups otherwise than its users: $found"
start=\${ids%%\\'*}
case $start in '' | *[!0-9]*) refuse "its definition maps its users to no ids: \${ids:-none}" ;; esac
[ "$ids" = "$start' count='${IDS}" ] || refuse "its definition maps another number of ids: $ids"
slot=$(((start - ${FIRST_ID}) / ${IDS}))
[ $((slot * ${IDS} + ${FIRST_ID})) = "$start" ] && [ $slot -ge 0 ] && [ $slot -lt ${SLOTS} ] || refuse "its ids are those of no slot: $start"
record=
read -r record 2>/dev/null <${STORE}/slots/$slot || read -r record 2>/dev/null <${STORE}/roots/$name/root.json
case $record in
*"\\"name\\":\\"$name\\""* | *"\\"slot\\":$slot,"* | *"\\"slot\\":$slot}"*) ;;
*) refuse "its ids are of slot $slot, which is not recorded as its own" ;;
esac
want=system_u:system_r:${PROCESS_TYPE}:s0:c$((slot % 512)),c$((512 + slot / 512))
between "<seclabel type='static' model='selinux'" "</label>"
[ "\${found##*<label>}" = "$want" ] || refuse "its definition says the label \${found##*<label>}, not $want"
case $xml in *"<partition>/machine/svirt-lxc/$name</partition>"*) ;; *) refuse "its definition puts it into no slice of its own" ;; esac
enforce=
read -r enforce </sys/fs/selinux/enforce || [ -n "$enforce" ]
[ "$enforce" = 1 ] || refuse "SELinux is not enforcing"

if [ $2 = prepare ]; then
${ASK_POLICY}
  faults=$(ask_policy "$want")
  case $faults in 'asked '*) exit 0 ;; esac
  reason=
  while read -r fault; do
    case $fault in 'asked '*) ;; *) reason="$reason\${reason:+; }$fault" ;; esac
  done <<FAULTS
$faults
FAULTS
  refuse "$reason"
fi

controller= init=
read -r controller </run/libvirt/lxc/$name.pid || [ -n "$controller" ] || refuse "libvirt tells no process of it"
read -r init _ </proc/$controller/task/$controller/children
[ -n "$init" ] || refuse "it has no process"
tries=0
while label= && IFS= read -r label 2>/dev/null </proc/$init/attr/current; [ "$label" != "$want" ]; do
  tries=$((tries + 1))
  [ -d /proc/$init ] && [ $tries -lt 200 ] || refuse "its first process runs as $label, not as $want"
  sleep 0.05
done
for map in uid_map gid_map; do
  more=
  { read -r inside outside count; read -r more; } </proc/$init/$map
  [ "$inside $outside $count$more" = "0 $start ${IDS}" ] || refuse "its $map is $inside $outside $count\${more:+ and $more}"
done
facts="kernel\tenforcing
policy\tasked
uid map\t0→$start (${IDS})
gid map\t0→$start (${IDS})
labels\t$want
slice\tits own"
read -r group </proc/$init/cgroup
case $group in */machine-svirt\\\\x2dlxc-*.slice/*) ;; *) refuse "it is not in its slice, but in $group" ;; esac
case $xml in *"<port isolated='yes'/>"*)
  facts="$facts
port\tisolated"
  between "<target dev='vnet" "'/>"
  isolated=
  read -r isolated </sys/class/net/vnet$found/brport/isolated
  [ "$isolated" = 1 ] || refuse "its interface is no isolated port of its bridge" ;;
esac
sign "$facts"
echo "proven $init" >${PROOFS}/$name
`;

/** What LIST_GUARD prints where it is there. */
export const INSTALLED_GUARD = `${EXEC}\n${SCRIPT.trim()}`;

/** The command that prints the guard as it is: its label, its text, and the containers that were started past it. */
export const LIST_GUARD = `if [ -e ${GUARD} ]; then stat -c %C ${GUARD}; cat ${GUARD}; fi
for pid in /run/libvirt/lxc/*.pid; do
  name=\${pid##*/} name=\${name%.pid}
  [ "$pid" -nt ${GUARD} ] && [ -d ${STORE}/roots/$name ] && ! [ ${PROOFS}/$name -nt "$pid" ] &&
    [ -n "$(find "$pid" -mmin +1)" ] && echo "unseen $name"
done`;

export interface FoundGuard {
  /** It is there as it should be. */
  installed: boolean;
  /** Anything of it is there. */
  left: boolean;
  /** Containers that were started without it, though it was there: libvirt does not know of it. */
  unseen: string[];
}

export function parseGuard(listed: string): FoundGuard {
  const lines = listed.trim().split("\n");
  const unseen = lines.filter((line) => line.startsWith("unseen "));
  const rest = lines.filter((line) => !line.startsWith("unseen ")).join("\n");
  return {
    installed: rest === INSTALLED_GUARD,
    left: rest !== "",
    unseen: unseen.map((line) => line.slice("unseen ".length)),
  };
}

// With any other label, no container would start; so it has its own before it has its name.
const INSTALL = `${PIPED}
umask 022
mkdir -p ${PROOFS} /etc/svirt-lxc "\${1%/*}" && chmod 0700 ${PROOFS} && piped restorecon -R ${PROOFS} &&
  cat >/etc/svirt-lxc/guard.new && chmod 0755 /etc/svirt-lxc/guard.new && chcon ${EXEC} /etc/svirt-lxc/guard.new &&
  : >"$2" && mv /etc/svirt-lxc/guard.new "$1"`;

/** Installs the guard; `unread` is the file that tells that libvirt is to be restarted, which does not notice a new hook. */
export function installGuard(unread: string): Step {
  return {
    id: "install-guard",
    title: "Installing the guard that ends the start of a container which is not confined",
    argv: ["sh", "-c", INSTALL, "sh", GUARD, unread],
    stdin: SCRIPT,
  };
}

/** Writes down of containers that they were started past the guard: libvirt, restarted, has it for their next start. */
export function markUnproven(names: string[]): Step {
  return {
    id: "mark-unproven",
    title: `Recording that the guard has not seen the start of ${names.join(", ")}`,
    argv: ["sh", "-c", `for name; do echo unproven >"${PROOFS}/$name" || exit; done`, "sh", ...names],
  };
}

/** What it has found at the last starts goes with it. */
export const removeGuard: Step = {
  id: "remove-guard",
  title: "Removing the guard of starts",
  argv: [
    "sh",
    "-c",
    `rm -f ${GUARD} && rm -rf ${PROOFS} && { rmdir "\${1%/*}" "\${1%/*/*}" 2>/dev/null || :; }`,
    "sh",
    GUARD,
  ],
};

/** Removes what was found of a container last. What is signed of it stays in its log. */
export function removeProof(name: string): Step {
  return {
    id: "remove-proof",
    title: "Removing what the guard found at its last start",
    argv: ["rm", "-f", `${PROOFS}/${name}`, ...signerFiles(name)],
  };
}

/** What was found at the last start of each container. */
export const proofsRead: Read = {
  key: "proofs",
  argv: ["sh", "-c", `cd ${PROOFS} 2>/dev/null && grep -H '' -- * 2>/dev/null; :`],
};

/** Why the last start of a container was ended; undefined if it was not. */
export function parseRefusal(outcome: Outcome, name: string): string | undefined {
  const line = outcome.stdout.split("\n").find((l) => l.startsWith(`${name}:refused `));
  return line?.slice(`${name}:refused `.length);
}
