import { casesOf } from "../families/index.ts";
import type { Outcome, Read, Step } from "../host/batch.ts";
import { STORE } from "../host/records.ts";
import type { HostUnits } from "./host-units.ts";
import { PIPED } from "./piped.ts";

/*
 * The host signs what was found of its containers, by systemd, whenever somebody has put something there to be signed: the guard of
 * starts, or an `up`. It has a key for this alone, which only the domain of this service reaches.
 */

/** Whom allowed_signers(5) names, and the namespace of the signatures. */
export const SIGNER = "svirt-lxc";
export const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
export const PREDICATE_TYPE = "urn:svirt-lxc:confinement:1";

const NAME = "svirt-lxc-sign";
const SERVICE = `${NAME}.service`;
const SCRIPT = "/etc/svirt-lxc/sign.sh";
/** What is to be signed: texts of facts (confinement/statement.ts), named CONTAINER.start.PID or CONTAINER.look. */
export const UNSIGNED = `${STORE}/unsigned`;
/** The key, and for each container the digest of what an `up` found of it last, once that is signed. */
const EVIDENCE = `${STORE}/evidence`;
/** The statements, a log a container: none can push out those of another. They stay when the container goes. */
export const LOGS = "/var/log/svirt-lxc/evidence";
/** Bytes after which a log is rotated; one older one is kept. */
const LIMIT = 1024 * 1024;

const STATEMENT =
  `{"_type":"${STATEMENT_TYPE}","subject":[{"name":"%s","digest":{"sha256":"%s"}}],"predicateType":"${PREDICATE_TYPE}",` +
  `"predicate":{"occasion":"%s","time":"%s","verdict":"%s","checks":[%s],"host":%s,"policy":{"sha256":"%s"},"packages":{%s}}}`;

// Without control characters, a text stands in JSON as it is, but for quotes and backslashes; of facts, tabs and line feeds count. A
// file that is empty is about to be written, or was when the host went down. The kernel lets one at a time read its policy.
const SIGN = `umask 077
export LC_ALL=C OPENSSL_CONF=/dev/null
cd ${EVIDENCE} || exit 1
[ -s key ] || { rm -f key key.pub && ssh-keygen -q -t ed25519 -N '' -C '' -f key && sync key key.pub . || exit 1; }
[ -s key.pub ] || ssh-keygen -y -f key >key.pub || exit 1
plain() { tr -d '\\000-\\010\\013-\\037\\177'; }
quoted() { sed 's/["\\\\]/\\\\&/g'; }
checks() {
  quoted | sed 's/^\\([^\t]*\\)\t\\([^\t]*\\)\t\\(.*\\)/{"what":"\\1","found":"\\2","faults":["\\3"]}/
    t faults
    s/^\\([^\t]*\\)\t*\\(.*\\)/{"what":"\\1","found":"\\2","faults":[]}/
    :faults
    s/\t/","/g' | paste -sd , -
}
look_at_host() {
  host=$(printf '{"name":"%s","machine":"%s","boot":"%s","kernel":"%s"}' "$(uname -n | plain | quoted)" \\
    "$(cat /etc/machine-id)" "$(cat /proc/sys/kernel/random/boot_id)" "$(uname -r)")
  tries=0
  until policy=$(sha256sum </sys/fs/selinux/policy); do
    tries=$((tries + 1))
    [ $tries -lt 4 ] || return 1
    sleep 1
  done
  policy=\${policy%% *}
  packages=$(. /etc/os-release; case " $ID $ID_LIKE " in
${casesOf(({ versions, decisivePackages }) => `${versions} ${decisivePackages.join(" ")} 2>/dev/null`)}
esac | sed -n 's/^\\([^ ]*\\) \\([^ ]*\\)$/"\\1":"\\2"/p' | paste -sd , -)
}
sign() { # FILE
  file=\${1##*/}
  name=\${file%%.*}
  case $file in *.look) occasion=look ;; *) occasion=start ;; esac
  facts=$(plain <"$1"; echo .)
  facts=\${facts%.}
  digest=$(printf %s "$facts" | sha256sum)
  digest=\${digest%% *}
  verdict=confined
  ! printf %s "$facts" | grep -q '\t.*\t' || verdict='not confined'
  statement=$(printf '${STATEMENT}' "$name" "$digest" $occasion "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$verdict" \\
    "$(printf %s "$facts" | checks)" "$host" "$policy" "$packages")
  signature=$(printf '%s\\n' "$statement" | ssh-keygen -q -Y sign -n ${SIGNER} -f key) || return 1
  log=${LOGS}/$name.log
  [ ! -e "$log" ] || [ "$(wc -c <"$log")" -lt ${LIMIT} ] || mv "$log" "$log.1" || return 1
  printf '%s\\n%s\\n' "$statement" "$signature" >>"$log" && sync "$log" || return 1
  [ $occasion = start ] || echo "$digest" >"$name.found" || return 1
  rm "$1"
}
while set -- ${UNSIGNED}/* && [ -e "$1" ]; do
  look_at_host || exit 1
  for file; do
    [ -s "$file" ] || sleep 1
    if [ -s "$file" ]; then sign "$file"; else rm "$file"; fi || exit 1
  done
done
`;

export const signer: HostUnits = {
  files: { [SCRIPT]: SIGN },
  units: {
    [`${NAME}.path`]: `[Unit]
Description=What was found of containers and is to be signed

[Path]
PathChanged=${UNSIGNED}
TriggerLimitIntervalSec=0

[Install]
WantedBy=multi-user.target
`,
    [SERVICE]: `[Unit]
Description=Sign what was found of containers, and append it to their logs
StartLimitIntervalSec=0

[Service]
Type=oneshot
SELinuxContext=system_u:system_r:svirt_lxc_sign_t:s0
ExecStart=/bin/sh ${SCRIPT}
`,
  },
  enabled: `${NAME}.path`,
};

/** The command that prints the public key; what waits to be signed for more than a minute; and whether any of it is there. */
export const LIST_SIGNER = `cat ${EVIDENCE}/key.pub 2>/dev/null
[ -z "$(find ${UNSIGNED} -type f ! -name '.*' -mmin +1 2>/dev/null | head -n 1)" ] || echo waiting
[ ! -e ${EVIDENCE} ] && [ ! -e ${UNSIGNED} ] || echo there`;

export interface FoundSigner {
  /** The public half of its key: type and key, as in authorized_keys(5); undefined if it has none yet. */
  key?: string;
  /** Something was not signed in time. */
  waiting: boolean;
  /** Anything of it is there. */
  left: boolean;
}

export function parseSigner(listed: string): FoundSigner {
  const lines = listed.trim().split("\n");
  const key = /^ssh-\S+ \S+/.exec(listed)?.[0];
  return { ...(key && { key }), waiting: lines.includes("waiting"), left: lines.includes("there") };
}

const REMEDY = `see on the host \`journalctl -u ${SERVICE}\`, mend what it names, then run the same command again`;

const START = `${PIPED}
umask 077
mkdir -p "$@" && chmod 0700 "$@" && piped restorecon -R "$@" && systemctl start ${SERVICE}`;

/** Makes the key, if there is none, and signs what waits. */
export const startSigner: Step = {
  id: "start-signer",
  title: "Making the key that signs what is found of containers",
  argv: ["sh", "-c", START, "sh", EVIDENCE, UNSIGNED, LOGS],
  remedy: REMEDY,
};

/** The statements that were signed stay. */
export const removeSigner: Step = {
  id: "remove-signer",
  title: "Removing the key that signed what was found of containers",
  argv: ["rm", "-rf", EVIDENCE, UNSIGNED],
};

// A run of the service that is about to end may have looked for the last time: then it is started once more.
const HAND_OVER = `cat >"$1/.$2.look" && mv "$1/.$2.look" "$1/$2.look" || exit
while [ -e "$1/$2.look" ]; do systemctl start ${SERVICE} || exit; done
[ "$(cat "$4")" = "$3" ] || { echo "${SERVICE} has signed something else" >&2; exit 1; }`;

/** Has the host sign what an `up` found of a container: facts, and their digest. */
export function signFacts(name: string, facts: string, digest: string): Step {
  return {
    id: "sign-evidence",
    title: "Signing what was found of its confinement",
    argv: ["sh", "-c", HAND_OVER, "sh", UNSIGNED, name, digest, signedFile(name)],
    stdin: facts,
    remedy: REMEDY,
  };
}

/** The file with the digest of what an `up` found of a container last. */
function signedFile(name: string): string {
  return `${EVIDENCE}/${name}.found`;
}

/** What there may be of a container besides its logs: also what a hand-over that broke off has left. */
export function signerFiles(name: string): string[] {
  return [signedFile(name), `${UNSIGNED}/.${name}.look`];
}

/** What an `up` found of each container last, as it is signed, where a host signs. */
export const signedRead: Read = {
  key: "signed",
  argv: [
    "sh",
    "-c",
    `cd ${EVIDENCE} 2>/dev/null && [ -s key.pub ] && echo signer && grep -H '' -- *.found 2>/dev/null; :`,
  ],
  volatile: true,
};

/** The digest of what was signed of a container last; "none" if nothing was, and undefined where the host does not sign. */
export function parseSigned({ stdout }: Outcome, name: string): string | undefined {
  const lines = stdout.split("\n");
  if (!lines.includes("signer")) return undefined;
  const line = lines.find((l) => l.startsWith(`${name}.found:`));
  return line?.slice(`${name}.found:`.length) ?? "none";
}
