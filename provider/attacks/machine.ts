import type { Attack } from "./attack.ts";

/** What only the administrator of a machine does. */
export const MACHINE: readonly Attack[] = [
  {
    id: "clock",
    what: "sets the clock",
    gain: "certificates, logs and timers of the host, at its will",
    program: 'my $now = "\\0" x 16; syscall(228, 0, $now); tried(syscall(227, 0, $now) == 0)',
  },
  {
    id: "reboot",
    what: "calls reboot(2) for what only the host's may (CAD off)",
    gain: "the host's keys for a restart",
    program: "tried(syscall(169, 0xfee1dead, 672274793, 0, 0) == 0)",
  },
  {
    id: "swapon",
    what: "switches swap on",
    gain: "the memory of others, in a file of its own",
    program: "my $path = '/attack-none'; tried_badly(syscall(167, $path, 0), 'ENOENT')",
  },
  {
    id: "quotactl",
    what: "sets a quota on the file system of its root",
    gain: "the share of others",
    program:
      "my $root = opened('/', O_RDONLY); tried_badly(syscall(443, fileno $root, 0x80000800, 0, 0), 'EFAULT', 'ESRCH')",
  },
  {
    id: "acct",
    what: "has the accounting of processes written elsewhere (acct)",
    gain: "the host's log of what ran",
    program: "my $path = '/attack-none'; tried_badly(syscall(163, $path), 'ENOENT')",
  },
  {
    id: "iopl",
    what: "uses all ports of the machine (iopl)",
    gain: "the hardware",
    program: "tried(syscall(172, 3) == 0)",
  },
  {
    id: "ioperm",
    what: "uses a port of the machine (ioperm)",
    gain: "the hardware",
    program: "tried(syscall(173, 0x80, 1, 1) == 0)",
  },
  {
    id: "realtime",
    what: "takes a real-time priority",
    gain: "the processor, before everybody else",
    program: "my $priority = pack 'l', 1; tried(syscall(144, 0, 1, $priority) == 0)",
  },
  {
    id: "io-realtime",
    what: "takes a real-time priority for the disk",
    gain: "the disk, before everybody else",
    program: "tried(syscall(251, 1, 0, 1 << 13) == 0)",
  },
  {
    id: "oom",
    what: "has itself spared when memory is short (oom_score_adj)",
    gain: "others die in its place",
    program:
      "my $file = opened('/proc/self/oom_score_adj', O_WRONLY) or tried(0); tried(defined syswrite $file, '-1000')",
  },
  {
    id: "tiocsti",
    what: "types into its console (TIOCSTI)",
    gain: "commands in the name of who looks at the console",
    program: [
      "my $console = opened('/dev/console', O_RDWR | O_NOCTTY | O_NONBLOCK) or tried(0);",
      'my $key = "\\0";',
      "tried(ioctl($console, 0x5412, $key));",
    ].join("\n"),
  },
  {
    id: "tioccons",
    what: "takes the host's console over (TIOCCONS)",
    gain: "what the host writes on its console",
    program: [
      "my $master = opened('/dev/ptmx', O_RDWR | O_NOCTTY) or tried(0);",
      "my ($number, $unlock) = (pack('i', 0), pack('i', 0));",
      "ioctl($master, 0x40045431, $unlock) && ioctl($master, 0x80045430, $number) or tried(0);", // TIOCSPTLCK, TIOCGPTN
      "my $terminal = opened('/dev/pts/' . unpack('i', $number), O_RDWR | O_NOCTTY) or tried(0);",
      "tried(ioctl($terminal, 0x541d, 0));",
    ].join("\n"),
  },
];
