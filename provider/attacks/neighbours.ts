import type { Attack } from "./attack.ts";

/** What is of another container on the same host, by a number or a name that somebody has told. */
export const NEIGHBOURS: readonly Attack[] = [
  {
    id: "neighbour-see",
    what: "looks for a process of its neighbour, in a new /proc, too",
    gain: "names and arguments, secrets among them",
    program: "sees_process('attack-mark-neighbour') ? end('succeeded') : absent()",
  },
  {
    id: "neighbour-signal",
    what: "signals a process of its neighbour",
    gain: "a neighbour without its services",
    program: "tried(syscall(62, $known{neighbour_pid}, 0) == 0 && is_mark($known{neighbour_pid}))",
  },
  {
    id: "neighbour-trace",
    what: "traces a process of its neighbour",
    gain: "all that it may do",
    program: "tried(syscall(101, 0x4206, $known{neighbour_pid}, 0, 0) == 0)",
  },
  {
    id: "neighbour-vm",
    what: "reads the memory of a process of its neighbour",
    gain: "its secrets",
    program: [
      'my ($here, $there) = ("\\0" x 8, "\\0" x 8);',
      "my $to = pack('PQ', $here, 8);",
      "my $from = pack('QQ', 0x400000, 8);",
      "tried_badly(syscall(310, $known{neighbour_pid}, $to, 1, $from, 1, 0), 'EFAULT');",
    ].join("\n"),
  },
  {
    id: "neighbour-file",
    what: "opens a file of its neighbour by its path on the host",
    gain: "its secrets",
    program: [
      "for my $top ('', '/proc/1/root', '/.oldroot') {",
      '  end("succeeded") if opened("$top$known{neighbour_file}", O_RDONLY);',
      "}",
      "tried(0);",
    ].join("\n"),
  },
  {
    id: "neighbour-key",
    what: "reads a key of its neighbour's root, by its number",
    gain: "tickets and passwords that the kernel keeps",
    program: "tried(reads_key($known{neighbour_key}))",
  },
  {
    id: "neighbour-keys",
    what: "looks for keys of others in /proc/keys",
    gain: "whom to ask for what",
    program:
      "my $keys = content('/proc/keys'); defined $keys or tried(0); $keys =~ /attack-mark/ ? end('succeeded') : absent()",
  },
  {
    id: "neighbour-memory",
    what: "attaches shared memory of its neighbour",
    gain: "what its programs keep there",
    program: "tried(defined shmget $known{neighbour_ipc}, 0, 0)",
  },
  {
    id: "neighbour-abstract",
    what: "connects to an abstract socket of its neighbour",
    gain: "services that trust who is root",
    program: "my $is = connects_to_abstract('attack-mark-neighbour'); $!{ECONNREFUSED} && !$is ? absent() : tried($is)",
  },
  {
    id: "neighbour-freeze",
    what: "writes to the switch that stops its neighbour (cgroup.freeze)",
    gain: "a neighbour that stands still",
    program: [
      "mount_groups() or tried(0);",
      'my $path = "/mnt/$known{neighbour_group}/cgroup.freeze";',
      "my $value = content($path) // tried(0);",
      "my $file = opened($path, O_WRONLY) or tried(0);",
      "tried(defined syswrite $file, $value);",
    ].join("\n"),
  },
  {
    id: "neighbour-sniff",
    what: "listens to what others send to its neighbour",
    gain: "their secrets",
    program: [
      "socket(my $socket, 17, 3, unpack('n', pack('S', 3))) or tried(0);",
      "my $until = time + 4;",
      "while ((my $left = $until - time) > 0) {",
      "  my $ready = '';",
      "  vec($ready, fileno $socket, 1) = 1;",
      "  select($ready, undef, undef, $left) or next;",
      "  recv $socket, my $frame, 2000, 0;",
      "  end('succeeded') if $frame =~ /attack-mark/;",
      "}",
      "absent();",
    ].join("\n"),
  },
];
