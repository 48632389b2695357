import type { Step } from "../host/batch.ts";
import { sha256 } from "../host/digest.ts";
import { CHECK_ROOT } from "./image-root.ts";

/**
 * Long work on a host, as a transient unit of its systemd (systemd-run(1)): it outlives the connection that started it, the next
 * run joins it, and its log is the journal. It sees the host read-only but for its own folder, and what it mounts goes with it.
 */
export interface Build {
  title: string;
  /** The folder that it fills, and may write to. What an earlier one left there is removed when it starts. */
  staging: string;
  /** A script of sh; its arguments are the staging folder and `args`. */
  script: string;
  args: readonly string[];
  remedies: Step["remedies"];
}

/** Seconds that a build may take. */
const TIMEOUT = 4 * 3600;
/** Seconds between two looks at a build that runs. */
const INTERVAL = 3;

// What the script may do, each by systemd.exec(5). The rest of the host is not its to write; it needs to mount, to make device
// nodes in its folder, to enter it by chroot(2) and to give files away, and no other right of root.
const SANDBOX = [
  "ProtectSystem=strict",
  "ProtectHome=yes",
  "PrivateTmp=yes",
  "PrivateMounts=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelLogs=yes",
  "ProtectClock=yes",
  // where a host's proxies are named, if it has some
  "EnvironmentFile=-/etc/environment",
  "CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_MKNOD CAP_SETFCAP CAP_SETGID CAP_SETUID CAP_SYS_ADMIN CAP_SYS_CHROOT",
  "Nice=10",
  `RuntimeMaxSec=${TIMEOUT}`,
];

// It is done when its folder says so: that its process has ended well might be said of another one. systemd-run(1) would expand
// what looks like its own variables.
const RUN = (script: string) => `set -u
umask 022
staging=$1 root=$1/root; shift
fail() { printf '%s\\n' "$*"; exit 1; }
leave() {
  [ ! -e "$staging/built" ] || return 0
  for mounted in dev proc run sys; do umount -R "$root/$mounted"; done 2>/dev/null
  rm -rf --one-file-system "$staging"/*
}
trap leave EXIT
${CHECK_ROOT}
build() {
${script}
}
build "$@" || fail "the build has failed"
[ ! -d "$root/dev" ] || find "$root/dev" -mindepth 1 -delete || exit 1
check_root "$root" "the image"
sync -f "$staging" && : >"$staging/built" && sync -f "$staging"`;

const FOLLOW = `unit=$1 staging=$2 script=$3; shift 2
say() { printf '\\036%s\\n' "$1" >&3; }
runs() { case $(systemctl show -p ActiveState --value "$unit") in active|activating|deactivating|reloading) ;; *) false;; esac; }
log() { journalctl -q -o cat -n "$1" _SYSTEMD_INVOCATION_ID="$(systemctl show -p InvocationID --value "$unit")"; }
start() {
  systemctl reset-failed "$unit" 2>/dev/null
  rm -rf --one-file-system "$staging" && mkdir -p "$staging/root" && chmod 0755 "$staging/root" || return
  shift
  # Where SELinux is on, the unit runs as who asked for it: in the domain of systemd's scripts, mount would get one that has no right here.
  context=$(id -Z 2>/dev/null) && [ -n "$context" ] && context=--property=SELinuxContext="$context"
  systemd-run --quiet --expand-environment=no --description="svirt-lxc builds an image" --unit="$unit" $context ${SANDBOX.map((property) => `--property='${property}'`).join(" ")} \\
    --property=ReadWritePaths="$staging" sh -c "$script" sh "$staging" "$@"
}
if runs; then say "joining the build that runs already: $unit"
elif [ ! -e "$staging/built" ]; then start "$@" || exit 1
fi
said=
while runs; do
  line=$(log 1)
  [ "$line" = "$said" ] || say "$line"
  said=$line
  sleep ${INTERVAL}
done
[ ! -e "$staging/built" ] || exit 0
log 100
exit 1`;

/** The unit of a build. */
export function unitOfBuild(staging: string): string {
  return `svirt-lxc-build-${sha256(staging).slice(0, 16)}.service`;
}

/** Starts a build, or joins the one that runs, and waits for its end. */
export function build({ title, staging, script, args, remedies }: Build): Step {
  return {
    id: "build-image",
    title,
    argv: ["sh", "-c", FOLLOW, "sh", unitOfBuild(staging), staging, RUN(script), ...args],
    timeout: TIMEOUT + 300,
    progress: true,
    report: true,
    remedies,
  };
}

/** A script of sh that ends a build, if it runs, and removes what it has made; its argument is the staging folder. */
export const removeBuild = (staging: string): string[] => [
  "sh",
  "-c",
  `systemctl stop "$2" 2>/dev/null; systemctl reset-failed "$2" 2>/dev/null
rm -rf --one-file-system "$1" && rmdir --ignore-fail-on-non-empty "\${1%/*}"`,
  "sh",
  staging,
  unitOfBuild(staging),
];
