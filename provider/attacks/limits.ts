import type { Attack } from "./attack.ts";

// Upwards from the control group of its first process, what is a limit gets the value that it has.
const OWN_GROUP = "my ($path) = content('/proc/1/cgroup') =~ /^0::(.*)/m;";
const WRITE_LIMIT = `
my ($found, $error);
for (;;) {
  $path =~ s{/$}{};
  my $limit = "/sys/fs/cgroup$path/memory.max";
  my $value = content($limit) // 'max';
  if ($value !~ /^max/) {
    $found = 1;
    my $file = opened($limit, O_WRONLY);
    end('succeeded') if $file && defined syswrite $file, $value;
    $error = $! + 0;
  }
  last if $path eq '';
  $path =~ s{/[^/]*$}{};
}
absent() unless $found;
$! = $error;
tried(0);`;

/** Control groups. What is written is the value that was read. */
export const LIMITS: readonly Attack[] = [
  {
    id: "own-limit",
    what: "writes to its own limit of memory",
    gain: "the memory of all",
    again: "own-limit-unshared",
    program: `${OWN_GROUP}${WRITE_LIMIT}`,
  },
  {
    id: "own-limit-unshared",
    what: "writes to its own limit of memory, from a control group namespace of its own making",
    gain: "the memory of all",
    program: `${OWN_GROUP} syscall(272, 0x02000000) == 0 or tried(0);${WRITE_LIMIT}`, // CLONE_NEWCGROUP
  },
  {
    id: "own-freeze-unshared",
    what: "writes to the switch that stops it and libvirt's controller of it, from such a namespace",
    gain: "a libvirt that waits for it",
    program: [
      "my $value = content('/sys/fs/cgroup/cgroup.freeze') // absent();",
      "syscall(272, 0x02000000) == 0 or tried(0);",
      "my $file = opened('/sys/fs/cgroup/cgroup.freeze', O_WRONLY) or tried(0);",
      "tried(defined syswrite $file, $value);",
    ].join("\n"),
  },
  {
    id: "leave-group",
    what: "moves itself into a control group of the host",
    gain: "no limit, and no list of forbidden devices",
    program: "tried(leave_group())",
  },
];
