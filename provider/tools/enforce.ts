import type { Step } from "../host/batch.ts";
import { PIPED } from "./piped.ts";
import { FALLBACK } from "./selinux.ts";

/** What a boot and a login need: all below these folders, and these themselves. */
const LABELLED = {
  below: "/etc /usr /root /home/*/.ssh /var/lib/systemd",
  themselves: "/ /bin /sbin /lib /home /home/* /var /var/lib /var/log",
};
const CHECK_LABELS = `${PIPED}
there() { for f in $*; do [ ! -e "$f" ] || echo "$f"; done; }
label() { piped restorecon -R "$@" $(there '${LABELLED.below}') && piped restorecon "$@" $(there '${LABELLED.themselves}'); }
check() {
  said=$(label -n -v) || { printf '%s\\n' "$said" | tail -n 5; exit 1; }
  wrong=$(printf '%s\\n' "$said" | grep '^Would relabel ')
}
check || exit 0
label >/dev/null
check || exit 0
echo "$(printf '%s\\n' "$wrong" | wc -l) files still do not have the labels that the policy has for them, such as:"
printf '%s\\n' "$wrong" | tail -n 5
exit 1`;

/**
 * Files without their labels would keep services, and logins, from working. What is wrong is mended once, and must be right then.
 * A type that an administrator may choose (customizable_types(5)) counts as right. It takes seconds to minutes.
 */
export const checkLabels: Step = {
  id: "check-labels",
  title: "Checking and mending the labels of the files that a boot and a login need",
  argv: ["sh", "-c", CHECK_LABELS],
  phase: "before",
  timeout: 1800,
  remedy:
    "see why these files do not take their labels (a read-only or foreign file system, `chattr +i`), or have the policy know " +
    "them by other ones (`semanage fcontext`); then run the same command again",
};

const FALLBACK_SECONDS = 60;

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
{ if grep -q '^SELINUX=' $f; then sed "s/^SELINUX=.*/SELINUX=$1/" $f; else cat $f 2>/dev/null; echo "SELINUX=$1"; fi; } >$n &&
  chmod 0644 $n && sync $n && piped restorecon -F $n && mv $n $f && sync /etc/selinux`;

/** What /etc/selinux/config has the next boot do. */
export function configureMode(mode: "enforcing" | "permissive"): Step {
  return {
    id: `configure-${mode}`,
    title: `Configuring SELinux to ${mode === "enforcing" ? "enforce" : "be permissive"} after the next boot`,
    argv: ["sh", "-c", CONFIGURE, "sh", mode],
  };
}
