import type { Attack } from "./attack.ts";

const label = (file: string, context: string, gain: string): Attack => ({
  id: `attr-${file}`,
  what: `asks for another label by /proc/self/attr/${file}`,
  gain,
  program: `my $file = opened('/proc/self/attr/${file}', O_WRONLY) or tried(0); tried(defined syswrite $file, '${context}')`,
});

const UNCONFINED = "unconfined_u:unconfined_r:unconfined_t:s0";

/** The policy and labels. */
export const SELINUX: readonly Attack[] = [
  {
    id: "selinux-enforce",
    what: "opens the switch of SELinux for writing",
    gain: "a host that does not enforce",
    program:
      "my $file = opened('/sys/fs/selinux/enforce', O_WRONLY); $file ||= mount('selinuxfs') && opened('/mnt/enforce', O_WRONLY); tried($file)",
  },
  {
    id: "selinux-load",
    what: "opens the policy for writing",
    gain: "a policy of its own",
    program:
      "my $file = opened('/sys/fs/selinux/load', O_WRONLY); $file ||= mount('selinuxfs') && opened('/mnt/load', O_WRONLY); tried($file)",
  },
  label("current", UNCONFINED, "no confinement, at once"),
  label("exec", UNCONFINED, "no confinement, from the next program on"),
  label("fscreate", "system_u:object_r:shadow_t:s0", "files that the host takes for its own"),
  {
    id: "relabel",
    what: "gives a file of its root the label of a program of the host",
    gain: "files that the host takes for its own",
    program: [
      "my ($path, $name, $context) = (\"/attack-file.$$\", 'security.selinux', 'system_u:object_r:bin_t:s0');",
      "opened($path, O_WRONLY | O_CREAT) or tried(0);",
      "my $result = syscall(188, $path, $name, $context, length $context, 0);",
      "my $error = $! + 0;",
      "unlink $path;",
      "$! = $error;",
      "tried($result == 0);",
    ].join("\n"),
  },
];
