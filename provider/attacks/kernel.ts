import type { Attack } from "./attack.ts";

/** Interfaces of the kernel that reach beyond a container, or are known for their errors. */
export const KERNEL: readonly Attack[] = [
  {
    id: "bpf-map",
    what: "makes a BPF map",
    gain: "code in the kernel",
    program: "my $map = pack('L4', 2, 4, 4, 1) . \"\\0\" x 56; tried(syscall(321, 0, $map, length $map) >= 0)",
  },
  {
    id: "bpf-list",
    what: "lists the BPF programs of the host",
    gain: "filters of the host, to be changed or taken off",
    program: "my $next = pack('L3', 0, 0, 0); tried_badly(syscall(321, 11, $next, length $next), 'ENOENT')",
  },
  {
    id: "perf",
    what: "counts what a processor does, whoever uses it (perf_event_open)",
    gain: "secrets of others, by what they do and when",
    program: "my $event = pack('LLQ', 1, 64, 0) . \"\\0\" x 48; tried(syscall(298, $event, -1, 0, -1, 0) >= 0)",
  },
  {
    id: "userfaultfd",
    what: "handles page faults of the kernel (userfaultfd)",
    gain: "races in the kernel, won at leisure",
    program: "tried(syscall(323, 0x80000) >= 0)",
  },
  {
    id: "io-uring",
    what: "sets up io_uring",
    gain: "the errors of io_uring",
    program: 'my $ring = "\\0" x 120; tried(syscall(425, 4, $ring) >= 0)',
  },
  {
    id: "init-module",
    what: "loads a module of its own (init_module)",
    gain: "the kernel",
    program: "my $nothing = ''; tried_badly(syscall(175, $nothing, 0, $nothing), 'ENOEXEC', 'EINVAL')",
  },
  {
    id: "finit-module",
    what: "loads a module from a file (finit_module)",
    gain: "the kernel",
    program: [
      "my ($path, $nothing) = (\"/attack-module.$$\", '');",
      "my $file = opened($path, O_RDWR | O_CREAT) or tried(0);",
      "close $file; $file = opened($path, O_RDONLY);",
      "unlink $path;",
      "tried_badly(syscall(313, fileno $file, $nothing, 0), 'ENOEXEC', 'EINVAL');",
    ].join("\n"),
  },
  {
    id: "delete-module",
    what: "unloads a module (delete_module)",
    gain: "a host without its firewall, or its disk",
    program: "my $name = 'attack_none'; tried_badly(syscall(176, $name, 0x800), 'ENOENT')",
  },
  {
    id: "kexec",
    what: "has another kernel started at the next restart (kexec_load)",
    gain: "a kernel of its own",
    program: "tried_badly(syscall(246, 0, 10000, 0, 0), 'EINVAL')",
  },
  {
    id: "syslog",
    what: "reads the kernel's messages (syslog)",
    gain: "addresses, hardware, what others did",
    program: 'my $text = "\\0" x 1000; tried(syscall(103, 3, $text, 1000) >= 0)',
  },
  {
    id: "kmsg",
    what: "opens /proc/kmsg",
    gain: "the kernel's messages, taken away from the host's log",
    program: "tried(opened('/proc/kmsg', O_RDONLY | O_NONBLOCK))",
  },
  {
    id: "kcore",
    what: "opens /proc/kcore",
    gain: "the host's memory",
    program: "tried(opened('/proc/kcore', O_RDONLY))",
  },
  {
    id: "kallsyms",
    what: "reads addresses of the kernel in /proc/kallsyms",
    gain: "the way around the kernel's random addresses",
    program:
      "my $file = opened('/proc/kallsyms', O_RDONLY) or tried(0); sysread $file, my $text, 4096; $! = 1; tried($text =~ /^0*[1-9a-f]/m)",
  },
  {
    id: "iomem",
    what: "reads addresses of the kernel in /proc/iomem",
    gain: "the way around the kernel's random addresses",
    program:
      "my $text = content('/proc/iomem'); defined $text or tried(0); $! = 1; tried($text =~ /^ *[0-9a-f]+-0*[1-9a-f]/m)",
  },
  {
    id: "pci-config",
    what: "reads all of the configuration of a PCI device",
    gain: "what the hardware is, and where it lies",
    program:
      "my ($path) = glob('/sys/bus/pci/devices/*/config'); my $text = defined $path ? content($path) : undef; defined $text or tried(0); $! = 1; tried(length $text > 64)",
  },
  {
    id: "fanotify",
    what: "watches a whole file system (fanotify)",
    gain: "which files the host opens",
    program: [
      "my ($watch, $path) = (syscall(300, 0, 0), '/');",
      "$watch >= 0 or tried(0);",
      "tried(syscall(301, $watch, 0x101, 0x20, -100, $path) == 0);", // FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN
    ].join("\n"),
  },
  {
    id: "fanotify-hold",
    what: "asks to decide about each opening of a file (fanotify)",
    gain: "a host that waits for it",
    program: "tried(syscall(300, 4, 0) >= 0)",
  },
  {
    id: "alg",
    what: "opens a socket of the kernel's cryptography (AF_ALG)",
    gain: "the errors of that, and of its modules",
    program: "tried(socket(my $socket, 38, 5, 0))",
  },
  {
    id: "vsock",
    what: "opens a socket to the hypervisor (AF_VSOCK)",
    gain: "services of the hypervisor that take it for the host",
    program: "tried(socket(my $socket, 40, 1, 0))",
  },
];
