import type { Attack } from "./attack.ts";

/** What is of the host, by a number or a name that somebody has told. */
export const HOST: readonly Attack[] = [
  {
    id: "host-see",
    what: "looks for a process of the host, in a new /proc, too",
    gain: "names and arguments, secrets among them",
    program: "sees_process('attack-mark-host') ? end('succeeded') : absent()",
  },
  {
    id: "host-signal",
    what: "signals a process of the host",
    gain: "a host without its services",
    program: "tried(syscall(62, $known{host_pid}, 0) == 0 && is_mark($known{host_pid}))",
  },
  {
    id: "host-trace",
    what: "traces a process of the host",
    gain: "all that it may do",
    program: "tried(syscall(101, 0x4206, $known{host_pid}, 0, 0) == 0)", // PTRACE_SEIZE
  },
  {
    id: "host-setns",
    what: "enters the namespaces of a process of the host",
    gain: "the host's files, network and processes",
    program:
      'my $space = opened("/proc/$known{host_pid}/ns/mnt", O_RDONLY); tried($space && is_mark($known{host_pid}) && syscall(308, fileno $space, 0) == 0)',
  },
  {
    id: "host-file",
    what: "opens a file of the host by its path, by /proc/1/root, and by what is left of the old root",
    gain: "secrets of the host",
    program: [
      "for my $top ('', '/proc/1/root', '/.oldroot', '/proc/1/cwd') {",
      '  end("succeeded") if opened("$top$known{host_file}", O_RDONLY);',
      "}",
      "tried(0);",
    ].join("\n"),
  },
  {
    id: "host-climb",
    what: "climbs out of its root (chroot)",
    gain: "the files of the host",
    program: [
      'my $path = "/attack-folder.$$";',
      "mkdir $path;",
      "my $chrooted = chroot $path;",
      "my $error = $! + 0;",
      "if ($chrooted) { chdir '..' for 1 .. 50; chroot '.' }",
      "my $file = opened($known{host_file}, O_RDONLY);",
      "$error = $! + 0 if $chrooted;",
      "rmdir $path;",
      "$! = $error;",
      "tried($file);",
    ].join("\n"),
  },
  {
    id: "host-handle",
    what: "opens a file of the host by the number of its inode (open_by_handle_at)",
    gain: "every file of the host",
    program: [
      "my $root = opened('/', O_RDONLY) or tried(0);",
      "my $handle = pack('LlLL', 8, 1, 2, 0);", // the root of ext4 is inode 2
      "my $folder = syscall(304, fileno $root, $handle, O_RDONLY);",
      "$folder >= 0 or tried(0);",
      "my $path = substr $known{host_file}, 1;",
      "tried(syscall(257, $folder, $path, O_RDONLY) >= 0);",
    ].join("\n"),
  },
  {
    id: "host-key",
    what: "reads a key of the host's root, by its number",
    gain: "tickets and passwords that the kernel keeps",
    program: "tried(reads_key($known{host_key}))",
  },
  {
    id: "host-memory",
    what: "attaches shared memory of the host",
    gain: "what programs of the host keep there",
    program: "tried(defined shmget $known{host_ipc}, 0, 0)",
  },
  {
    id: "host-libvirt",
    what: "connects to libvirt's socket",
    gain: "the host: libvirt starts what it is told to",
    program: [
      "socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or tried(0);",
      "tried(connect($socket, pack_sockaddr_un('/run/libvirt/libvirt-sock')));",
    ].join("\n"),
  },
  {
    id: "host-abstract",
    what: "connects to an abstract socket of the host",
    gain: "services that trust who is root",
    program: "my $is = connects_to_abstract('attack-mark-host'); $!{ECONNREFUSED} && !$is ? absent() : tried($is)",
  },
  {
    id: "host-port",
    what: "connects to sshd of the host, at its gateway",
    gain: "services of the host, to be guessed at",
    program: [
      "my ($gateway) = (content('/proc/net/route') // '') =~ /^\\S+\\s+00000000\\s+(\\S{8})/m or absent();",
      "socket(my $socket, AF_INET, SOCK_STREAM, 0) or tried(0);",
      "$SIG{ALRM} = sub { end('refused ETIMEDOUT') };",
      "alarm 10;",
      "tried(connect($socket, pack_sockaddr_in(22, pack('L', hex $gateway))));",
    ].join("\n"),
  },
  {
    id: "host-audit",
    what: "writes a login that never was into the host's audit log",
    gain: "evidence against somebody else",
    program: "tried(audit(1112, 'op=attack acct=\"nobody\" res=failed'))",
  },
  {
    id: "host-audit-status",
    what: "asks the host's audit for its settings",
    gain: "what is not written down",
    program: "tried(audit(1000, ''))",
  },
];
