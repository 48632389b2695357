import { z } from "zod";
import type { Read, Results, Step } from "../host/batch.ts";

/** Whom a restart of a host would stop, and what would keep it from one. */
export interface Activity {
  /** Running domains of all of libvirt's drivers: "LXC domain web". */
  domains: string[];
  /** Logins at a terminal: "root on pts/0". */
  logins: string[];
  /** Who has asked systemd-logind not to shut down: "apt (upgrade in progress)". */
  blockers: string[];
}

// A libvirt that needs SELinux does not start without it, so it is the files of the running domains that are asked.
const LOOK = `
[ "$(cat /sys/fs/selinux/enforce 2>/dev/null)" != 1 ] || exit 0
for file in /run/libvirt/lxc/*.pid /run/libvirt/qemu/*.pid /run/libvirt/libxl/*.pid /run/libvirt/ch/*.pid; do
  name=\${file##*/} name=\${name%.pid} driver=\${file%/*}
  [ "$name" != driver ] && kill -0 "$(cat "$file" 2>/dev/null)" 2>/dev/null || continue
  echo "domain \${driver##*/} $name"
done
loginctl --no-legend --no-pager list-sessions 2>/dev/null |
  awk '{ for (i = 4; i <= NF; i++) if ($i ~ /^(tty|pts)/) print "login", $3, "on", $i }'
echo "inhibitors $(busctl --json=short call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager ListInhibitors 2>/dev/null)"`;

/** Whom a restart would stop; nothing is looked for on a host that enforces, which needs none. */
export const activityRead: Read = { key: "activity", argv: ["sh", "-c", LOOK], volatile: true };

/** What ListInhibitors of org.freedesktop.login1(5) returns: what, who, why, mode, user, process. */
const inhibitorsSchema = z.object({
  data: z.tuple([z.array(z.tuple([z.string(), z.string(), z.string(), z.string()], z.unknown()))]),
});

export function parseActivity(results: Results): Activity {
  const lines = results.get("activity")!.stdout.split("\n");
  const after = (word: string) => lines.filter((l) => l.startsWith(`${word} `)).map((l) => l.slice(word.length + 1));
  return {
    domains: after("domain").map((line) => {
      const [driver = "", name = ""] = line.split(" ");
      return `${driver === "qemu" ? "QEMU" : driver === "lxc" ? "LXC" : driver} domain ${name}`;
    }),
    logins: after("login"),
    blockers: parseBlockers(after("inhibitors")[0] ?? ""),
  };
}

// Those of mode "delay", such as libvirt's while a container runs, only put it off for seconds.
function parseBlockers(json: string): string[] {
  if (json === "") return [];
  const [inhibitors] = inhibitorsSchema.parse(JSON.parse(json)).data;
  return inhibitors
    .filter(([what, , , mode]) => what.split(":").includes("shutdown") && mode.startsWith("block"))
    .map(([, who, why]) => `${who} (${why})`);
}

/** What a restart stops, as a part of a sentence. */
export function stoppedBy({ domains, logins }: Activity): string {
  const all = [...domains, ...logins.map((login) => `the login of ${login}`)];
  return all.length === 0 ? "no domain and no login" : all.join(", ");
}

const UNIT = "svirt-lxc-reboot";
/** Seconds in which the batch that asks for the restart looks once more and reports. */
const DELAY = 10;
/** Seconds that a host may take to come back: large disks are relabelled for many minutes. */
const BACK_LIMIT = 1800;

// The connection would break with a restart at once. Another run that asks for it, too, has it once.
const RESTART = `[ -e /run/systemd/transient/${UNIT}.timer ] ||
systemd-run --quiet --collect --unit=${UNIT} --on-active=${DELAY} --timer-property=AccuracySec=100ms systemctl reboot`;

// A host that relabels its files lets nobody in, and restarts by itself once more when it has done so.
const READY = `state=$(systemctl is-system-running 2>/dev/null)
case $state in running|degraded) ;; *) echo "systemd is not done with the boot: \${state:-no answer}"; exit 1;; esac`;

/** Restarts the host, and waits until it has booted. */
export const restartHost: Step = {
  id: "restart-host",
  title: `Restarting the host in ${DELAY} s`,
  argv: ["sh", "-c", RESTART],
  restart: { ready: ["sh", "-c", READY], timeout: BACK_LIMIT },
};
