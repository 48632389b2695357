import { CONTROLS, QUESTIONS, type Question } from "./questions.ts";

/** Types of ours for which the policy must not be permissive, besides that of the container itself. */
const TYPES = ["svirt_lxc_mount_t", "svirt_lxc_guard_t"];

const rowOf = (verdict: "no" | "yes") => (q: Question) =>
  [verdict, q.target, q.class, q.permissions === "all" ? "all" : q.permissions.join(","), q.gain].join(" ");

const TABLE = [...QUESTIONS.map(rowOf("no")), ...CONTROLS.map(rowOf("yes"))].join("\n");

/**
 * A function of sh: `ask_policy CONTEXT` asks the loaded policy what a process of that context may, by selinuxfs `access`
 * (security_compute_av(3)), which counts constraints of MCS, too. It prints in a line each what is not as it should be, and in the
 * last one "asked N", the number of rows that were asked.
 *
 * An answer is "ALLOWED DECIDED AUDITALLOW AUDITDENY SEQNO FLAGS"; a bit of ALLOWED is a permission, by its number in class/CLASS/perms;
 * the first bit of FLAGS is set of a type that is permissive (AVD_FLAGS_PERMISSIVE in security/selinux/include/security.h). These files
 * end without a newline, at which read fails with the value read. A target that the policy does not have is nothing that anybody
 * could reach. No program is run: it is part of each start of a container.
 */
export const ASK_POLICY = `
selinux_number() { # FILE; sets number
  number=
  read -r number 2>/dev/null <"/sys/fs/selinux/class/$1" || [ -n "$number" ]
}
selinux_access() { # SOURCE TARGET CLASS-NUMBER; sets allowed and flags
  allowed= flags=
  { printf '%s %s %s' "$1" "$2" "$3" >&3 && read -r allowed _ _ _ _ flags <&3; } 2>/dev/null 3<>/sys/fs/selinux/access || [ -n "$allowed" ]
}
ask_policy() {
  context=$1 level=\${1#*:*:*:} asked=0
  while read -r verdict targets class permissions gain; do
    was_asked= rest="$targets|"
    selinux_number "$class/index" || rest=
    index=$number
    while [ -n "$rest" ]; do
      target=\${rest%%|*} rest=\${rest#*|}
      case $target in SELF) target=$context ;; *:OWN) target=\${target%OWN}$level ;; esac
      selinux_access "$context" "$target" "$index" || { [ $verdict = yes ] || was_asked=absent; continue; }
      was_asked=yes open=
      IFS=,; set -- $permissions; unset IFS
      for permission; do
        if [ $permission = all ]; then [ $((0x$allowed)) = 0 ] || open=,all; continue; fi
        selinux_number "$class/perms/$permission" || { was_asked= rest=; break; }
        [ $((0x$allowed >> (number - 1) & 1)) = 0 ] || open="$open,$permission"
      done
      case $verdict in
      no) [ -z "$open" ] || echo "the policy lets it $gain: $target $class \${open#,}" ;;
      *) [ "$open" = ",$permissions" ] || was_asked= ;;
      esac
    done
    case $was_asked in
    yes) asked=$((asked + 1)) ;;
    '') echo "the policy could not be asked whether it may $gain ($targets $class)" ;;
    esac
  done <<'ROWS'
${TABLE}
ROWS
  selinux_number process/index
  for context in "$context" ${TYPES.map((type) => `system_u:system_r:${type}:s0`).join(" ")}; do
    selinux_access "$context" "$context" "$number" || { echo "the policy could not be asked whether it enforces $context"; continue; }
    type=\${context#*:*:}
    [ $((flags & 1)) = 0 ] || echo "the policy has made the type \${type%%:*} permissive"
  done
  echo "asked $asked"
}`;

/** What of its output is not as it should be; undefined if it broke off. */
export function policyFaults(output: readonly string[]): string[] | undefined {
  return output.at(-1)?.startsWith("asked ") ? output.slice(0, -1) : undefined;
}
