import type { Read, Results, Step } from "../host/batch.ts";

/**
 * A function of sh: `piped COMMAND…` runs a program that the policy puts into a domain of its own, such as restorecon
 * (setfiles_t) and semodule (semanage_t). Such a domain may not use the files of a batch below /run that the program would
 * inherit: the host's lock, and those that take its output. The audit log would hold a denial for each, and the output would be
 * lost. So it inherits none of them, its output goes through a pipe to stdout, and its exit code is the function's.
 */
export const PIPED = `piped() {
  piped_output=$("$@" 2>&1 3>&- 8>&- 9>&- </dev/null); piped_code=$?
  [ -z "$piped_output" ] || printf '%s\\n' "$piped_output"
  return $piped_code
}`;

/**
 * A function of sh: `change_modules ARGUMENT…` runs semodule in the domain of the caller, who is root. In semanage_t, libsemanage is
 * denied on Debian 13 what it does to the labels of its store when a change is done (some 1,500 denials each time); it ignores
 * that, but the audit log is full of it. Where the caller's domain may not run it so, exit code 126 (runcon(1)), it runs in semanage_t.
 */
export const CHANGE_MODULES = `${PIPED}
change_modules() {
  piped runcon "$(id -Z)" semodule "$@" || [ $piped_code = 126 ] || return $piped_code
  [ $piped_code = 0 ] || piped semodule "$@"
}`;

const RESTORECON = `${PIPED}\npiped restorecon "$@"`;

/** The command that gives files the labels that the policy has for them. */
export function restorecon(...args: string[]): string[] {
  return ["sh", "-c", RESTORECON, "sh", ...args];
}

/** What the kernel does, or what the next boot does. */
export type Mode = "enforcing" | "permissive" | "disabled";

/** What a host has to say of SELinux. */
export interface SelinuxState {
  mode: Mode;
  /** What /etc/selinux/config says. */
  configured: Mode | "unset";
  /** What `enforcing=` on the kernel's command line says: it beats the configuration (libselinux, selinux_init_load_policy). */
  argument?: Mode;
  /** The timer runs that makes the kernel permissive again. */
  fallback: boolean;
  /** The context of process 1. */
  init: string;
  /** The context of our own login. */
  login: string;
  /** The next boot relabels all files: /.autorelabel is there (selinux(8)). */
  autorelabel: boolean;
  /** Processes that are no kernel threads and have no domain of their own. Only looked for while the kernel is permissive. */
  unlabelled: string[];
}

/** The timer that makes the kernel permissive again, unless it is stopped. A transient unit has a file while it is there (systemd.unit(5)). */
const FALLBACK = "svirt-lxc-permissive";
const FALLBACK_SECONDS = 60;

// The kernel's threads are children of process 2.
const LOOK = `
enforce=$(cat /sys/fs/selinux/enforce 2>/dev/null)
echo "enforce $enforce"
sed -n 's/^SELINUX=/config /p' /etc/selinux/config 2>/dev/null
tr ' ' '\\n' </proc/cmdline | sed -n 's/^enforcing=/argument /p'
for id in 1 self; do echo "context $id $(tr -d '\\0' 2>/dev/null </proc/$id/attr/current)"; done
[ ! -e /run/systemd/transient/${FALLBACK}.timer ] || echo fallback
[ ! -e /.autorelabel ] || echo autorelabel
[ "$enforce" != 0 ] || ps --deselect -p 2 --ppid 2 -o pid=,label=,comm= |
  sed -n 's/^ *[0-9]* \\([^ ]*:\\(kernel\\|unlabeled\\)_t[: ].*\\)/process \\1/p' | sort -u | head -n 5
:`;

export const selinuxRead: Read = { key: "selinux", argv: ["sh", "-c", LOOK] };

export function parseSelinux(results: Results): SelinuxState {
  const lines = results.get("selinux")!.stdout.split("\n");
  const after = (word: string) => lines.filter((l) => l.startsWith(`${word} `)).map((l) => l.slice(word.length + 1));
  const enforce = after("enforce")[0];
  return {
    mode: enforce === "1" ? "enforcing" : enforce === "0" ? "permissive" : "disabled",
    configured: after("config").map(modeOf).find(Boolean) ?? "unset",
    argument: after("argument").map((value) => (value === "0" ? "permissive" : "enforcing") as Mode)[0],
    fallback: lines.includes("fallback"),
    init: after("context 1")[0] ?? "",
    login: after("context self")[0] ?? "",
    autorelabel: lines.includes("autorelabel"),
    unlabelled: after("process").map((line) => line.replace(/ +/, " ")),
  };
}

/** The first line with a known word counts, and of that its begin, in capitals or not (libselinux, selinux_getenforcemode). */
function modeOf(value: string): Mode | undefined {
  const [, word] = /^\s*(enforcing|permissive|disabled)/i.exec(value) ?? [];
  return word?.toLowerCase() as Mode | undefined;
}

/** What a boot and a login need: all below these folders, and these themselves. */
const LABELLED = {
  below: "/etc /usr /root /home/*/.ssh /var/lib/systemd",
  themselves: "/ /bin /sbin /lib /home /home/* /var /var/lib /var/log",
};
const CHECK_LABELS = `${PIPED}
there() { for f in $*; do [ ! -e "$f" ] || echo "$f"; done; }
check() { piped restorecon -R -n -v $(there '${LABELLED.below}') && piped restorecon -n -v $(there '${LABELLED.themselves}'); }
said=$(check) || { printf '%s\\n' "$said" | tail -n 5; exit 1; }
wrong=$(printf '%s\\n' "$said" | grep '^Would relabel ') || exit 0
echo "$(printf '%s\\n' "$wrong" | wc -l) files do not have the labels that the policy has for them, such as:"
printf '%s\\n' "$wrong" | tail -n 5
exit 1`;

/** Files without their labels would keep services, and logins, from working. It takes seconds to minutes, and changes nothing. */
export const checkLabels: Step = {
  id: "check-labels",
  title: "Checking the labels of the files that a boot and a login need",
  argv: ["sh", "-c", CHECK_LABELS],
  phase: "before",
  timeout: 1800,
  remedy:
    "a few files: `restorecon -R -v FILE…`; many: `fixfiles -F onboot` and a reboot, with SELINUX=permissive in " +
    "/etc/selinux/config until then. Run the same command again afterwards",
};

// A switch that was killed may have left one.
const START_FALLBACK = `
systemctl stop ${FALLBACK}.timer 2>/dev/null
systemd-run --quiet --collect --unit=${FALLBACK} --on-active=${FALLBACK_SECONDS} --timer-property=AccuracySec=100ms setenforce 0`;

/** Switches to enforcing for a minute, unless the timer is stopped: whoever is locked out then gets in again. */
export const switchToEnforcing: Step[] = [
  {
    id: "start-fallback",
    title: `Starting a timer that makes SELinux permissive again in ${FALLBACK_SECONDS} s`,
    argv: ["sh", "-c", START_FALLBACK],
  },
  { id: "set-enforcing", title: "Switching SELinux to enforcing", argv: ["setenforce", "1"] },
];

/** That the kernel enforces is asked there, too: a login that took longer than the timer proves nothing. */
export const checkLogin: Step = {
  id: "check-login",
  title: "Logging in again, while SELinux is enforcing",
  argv: ["sh", "-c", 'test "$(cat /sys/fs/selinux/enforce)" = 1 || { echo "SELinux is permissive again"; exit 1; }'],
  phase: "before",
  connection: "new",
  timeout: 30,
  remedy:
    "what we have switched to enforcing, a timer makes permissive again within " +
    `${FALLBACK_SECONDS} s. Then see why a login fails (journalctl -t sshd-session -t sshd; ausearch -m AVC), mend it, and run the same command again`,
};

export const stopFallback: Step = {
  id: "stop-fallback",
  title: "Stopping the timer that makes SELinux permissive again",
  argv: ["systemctl", "stop", `${FALLBACK}.timer`],
  ok: [0, 5], // 5: it is not there (systemctl(1))
};

// The rename makes it appear whole or not at all; what a killed one left is written over.
const CONFIGURE = `${PIPED}
f=/etc/selinux/config n=/etc/selinux/config.svirt-lxc
{ if grep -q '^SELINUX=' $f; then sed 's/^SELINUX=.*/SELINUX=enforcing/' $f; else cat $f 2>/dev/null; echo SELINUX=enforcing; fi; } >$n &&
  chmod 0644 $n && sync $n && piped restorecon -F $n && mv $n $f && sync /etc/selinux`;

export const configureEnforcing: Step = {
  id: "configure-enforcing",
  title: "Configuring SELinux to enforce after the next boot",
  argv: ["sh", "-c", CONFIGURE],
};
