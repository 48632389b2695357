import { CONTROLS, QUESTIONS, type Question } from "./questions.ts";

/** Types of ours for which the policy must not be permissive, besides that of the container itself. */
const TYPES = ["svirt_lxc_mount_t", "svirt_lxc_guard_t"];

const rowOf = (verdict: "no" | "yes") => (q: Question, i: number) =>
  `${verdict}${i} ${q.target} ${q.class} ${q.permissions === "all" ? "" : q.permissions.join(" ")}`.trim();

const TABLE = [...QUESTIONS.map(rowOf("no")), ...CONTROLS.map(rowOf("yes"))].join("\n");

/**
 * A function of sh: `ask_policy CONTEXT` asks the loaded policy what a process of that context may, by selinuxfs `access`
 * (security_compute_av(3)), which counts constraints of MCS, too. It prints, each in a line,
 *
 *   open ROW PERMISSION...     what is allowed and should not be ("all": some of the class), by rows of QUESTIONS
 *   unasked ROW TARGET         what could not be asked
 *   permissive TYPE            a type for which the policy is not enforced
 *   asked N                    how many rows were asked
 *
 * An answer is "ALLOWED DECIDED AUDITALLOW AUDITDENY SEQNO FLAGS"; a bit of ALLOWED is a permission, by its number in class/CLASS/perms.
 * These files end without a newline, at which read fails with the value read. A target that the policy does not have is nothing
 * that anybody could reach. No program is run: it is part of each start of a container.
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
  level=\${1#*:*:*:} asked=0
  while read -r row targets class permissions; do
    asked_of_row= rest="$targets|"
    selinux_number "$class/index" || rest=
    index=$number
    while [ -n "$rest" ]; do
      target=\${rest%%|*} rest=\${rest#*|}
      case $target in SELF) target=$1 ;; *:OWN) target=\${target%OWN}$level ;; esac
      selinux_access "$1" "$target" "$index" || { case $row in no*) asked_of_row=absent ;; esac; continue; }
      asked_of_row=yes open=
      for permission in $permissions; do
        selinux_number "$class/perms/$permission" || { asked_of_row= rest=; break; }
        [ $((0x$allowed >> (number - 1) & 1)) = 0 ] || open="$open $permission"
      done
      [ -n "$permissions" ] || [ $((0x$allowed)) = 0 ] || open=" all"
      case $row in
      no*) [ -z "$open" ] || echo "open $row$open" ;;
      *) [ "$open" = " $permissions" ] || asked_of_row= ;;
      esac
    done
    case $asked_of_row in
    yes) asked=$((asked + 1)) ;;
    '') echo "unasked $row $targets" ;;
    esac
  done <<'ROWS'
${TABLE}
ROWS
  selinux_number process/index
  for type in ${TYPES.join(" ")}; do
    if ! selinux_access "system_u:system_r:$type:s0" "system_u:system_r:$type:s0" "$number"; then echo "unasked permissive $type"
    elif [ $((flags & 1)) = 1 ]; then echo "permissive $type"; fi
  done
  echo "asked $asked"
}`;

/** What of its output is not as it should be, as sentences. */
export function policyFaults(output: readonly string[]): string[] {
  return output.flatMap((line) => {
    const [what, row = "", ...rest] = line.split(" ");
    if (what === "permissive") return [`the policy has made the type ${row} permissive`];
    if (what === "unasked") return [`the policy could not be asked about ${rest.join(" ")}`];
    const question = what === "open" ? QUESTIONS[Number(row.slice("no".length))] : undefined;
    if (!question) return [];
    const target = question.target === "SELF" ? "itself" : question.target;
    return [`the policy lets it ${question.gain}: ${target} ${question.class} ${rest.join(" ")}`];
  });
}
