import type { Read, Results } from "../host/batch.ts";
import { type OsRelease, parseOsRelease } from "../host/os-release.ts";
import { DAMAGED, parseRecord, STORE } from "../host/records.ts";
import { LOADER_READY } from "./boot-loader.ts";
import { PREPARED, preparedSchema } from "./relabel.ts";

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
  /** The boot in which the host was prepared for its relabelling, if it was. */
  prepared?: string;
  /** Of the tools that explain denials, those that are there. */
  tools: string[];
  /** Words of the kernel's command line that change what SELinux does. */
  arguments: string[];
  /** A policy is installed, of the type that the configuration names. */
  policy: boolean;
  /** SELinux is one of the security modules that this kernel was started with. */
  inKernel: boolean;
  /** The next boot starts the kernel with it. Only looked for where it is not. */
  loaderReady: boolean;
  /** The context of process 1. */
  init: string;
  /** The context of our own login. */
  login: string;
  /** What /.autorelabel holds, if it is there: the next boot relabels all files (selinux(8)). */
  autorelabel?: string;
  /** AUTORELABEL=0: instead of relabelling, a boot stops and asks for root's password at the console. */
  manualRelabel: boolean;
  /** The root file system is mounted read-only. */
  readOnly: boolean;
  /** Processes that are no kernel threads and have no domain of their own. Only looked for while the kernel is permissive. */
  unlabelled: string[];
  /** How many profiles AppArmor has loaded. */
  profiles: number;
  os: OsRelease;
  /** The id of this boot. */
  boot: string;
}

/** The timer that makes the kernel permissive again, unless it is stopped. A transient unit has a file while it is there (systemd.unit(5)). */
export const FALLBACK = "svirt-lxc-permissive";

// The kernel's threads are children of process 2. A kernel with SELinux has the folder also where no policy is loaded.
const LOOK = `
${LOADER_READY}
enforce=$(cat /sys/fs/selinux/enforce 2>/dev/null)
echo "enforce $enforce"
config=/etc/selinux/config
sed -n 's/^SELINUX=/config /p; s/^AUTORELABEL=0.*/manual-relabel/p' $config 2>/dev/null
type=$(sed -n 's/^SELINUXTYPE= *\\([^ #]*\\).*/\\1/p' $config 2>/dev/null | head -n 1)
for file in /etc/selinux/\${type:-targeted}/policy/policy.*; do [ ! -e "$file" ] || { echo policy; break; }; done
tr ' ' '\\n' </proc/cmdline | sed -n -E 's/^((enforcing|selinux|security|lsm)=.*|noautorelabel)$/argument \\1/p'
for id in 1 self; do echo "context $id $(tr -d '\\0' 2>/dev/null </proc/$id/attr/current)"; done
[ ! -e /run/systemd/transient/${FALLBACK}.timer ] || echo fallback
[ ! -e /.autorelabel ] || echo "autorelabel $(head -c 100 /.autorelabel)"
if [ -d /sys/fs/selinux ]; then echo in-kernel; elif loader_ready; then echo loader-ready; fi
[ "$enforce" != 0 ] || ps --deselect -p 2 --ppid 2 -o pid=,label=,comm= |
  sed -n 's/^ *[0-9]* \\([^ ]*:\\(kernel\\|unlabeled\\)_t[: ].*\\)/process \\1/p' | sort -u | head -n 5
[ "$enforce" = 1 ] || echo "profiles $(wc -l 2>/dev/null </sys/kernel/security/apparmor/profiles)"
[ -w / ] || echo read-only
for tool in audit2why sealert; do ! command -v $tool >/dev/null || echo "tool $tool"; done
sed 's/^/prepared /' ${STORE}/${PREPARED} 2>/dev/null
sed 's/^/os /' /etc/os-release
echo "boot $(cat /proc/sys/kernel/random/boot_id)"`;

export const selinuxRead: Read = { key: "selinux", argv: ["sh", "-c", LOOK] };

export function parseSelinux(results: Results): SelinuxState {
  const lines = results.get("selinux")!.stdout.split("\n");
  const after = (word: string) => lines.filter((l) => l.startsWith(`${word} `)).map((l) => l.slice(word.length + 1));
  const enforce = after("enforce")[0];
  const words = after("argument");
  const enforcing = words.find((word) => word.startsWith("enforcing="));
  const prepared = parseRecord(after("prepared").join("\n"), preparedSchema);
  return {
    mode: enforce === "1" ? "enforcing" : enforce === "0" ? "permissive" : "disabled",
    configured: after("config").map(modeOf).find(Boolean) ?? "unset",
    argument: enforcing === undefined ? undefined : enforcing === "enforcing=0" ? "permissive" : "enforcing",
    fallback: lines.includes("fallback"),
    prepared: prepared === DAMAGED ? undefined : prepared.boot,
    tools: after("tool"),
    arguments: words,
    policy: lines.includes("policy"),
    inKernel: lines.includes("in-kernel"),
    loaderReady: lines.includes("loader-ready"),
    init: after("context 1")[0] ?? "",
    login: after("context self")[0] ?? "",
    autorelabel: after("autorelabel")[0]?.trim(),
    manualRelabel: lines.includes("manual-relabel"),
    readOnly: lines.includes("read-only"),
    unlabelled: after("process").map((line) => line.replace(/ +/, " ")),
    profiles: Number(after("profiles")[0] ?? 0),
    os: parseOsRelease(after("os").join("\n")),
    boot: after("boot")[0] ?? "",
  };
}

/** The first line with a known word counts, and of that its begin, in capitals or not (libselinux, selinux_getenforcemode). */
function modeOf(value: string): Mode | undefined {
  const [, word] = /^\s*(enforcing|permissive|disabled)/i.exec(value) ?? [];
  return word?.toLowerCase() as Mode | undefined;
}
