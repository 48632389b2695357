/** What a userland's software asks of its kernel, each by a command that root of a container runs, and what it prints. */
export interface Workload {
  name: string;
  command: string;
  prints: string | RegExp;
}

/** A transient service of the container's systemd with these properties (systemd.exec(5)), which runs a command of sh. */
const service = (properties: string[], command: string) =>
  `systemd-run -q --wait -P ${properties.map((property) => `-p ${property}`).join(" ")} sh -c '${command}'`;

// Attaches to a process of another session, waits until it has stopped for that, and lets it go (ptrace(2)).
const PTRACE = `my $pid = 0 + $ARGV[0]; syscall(101, 16, $pid, 0, 0) == 0 or die "attach: $!\\n";
  print "stopped\\n" if waitpid($pid, 0x40000000) == $pid; syscall(101, 17, $pid, 0, 0) == 0 or die "detach: $!\\n"`;

export const WORKLOADS: readonly Workload[] = [
  {
    name: "a service with a credential",
    command: service(["SetCredential=word:kept"], "cat $CREDENTIALS_DIRECTORY/word"),
    prints: "kept",
  },
  {
    name: "a service with a credential from a file, as a user of its own",
    command: service(["LoadCredential=name:/etc/hostname", "DynamicUser=yes"], "cat $CREDENTIALS_DIRECTORY/name"),
    prints: "web",
  },
  {
    name: "a service in a sandbox",
    command: service(
      [
        ...["DynamicUser=yes", "PrivateTmp=yes", "PrivateDevices=yes", "PrivateUsers=yes", "ProtectSystem=strict"],
        ...["ProtectHome=yes", "ProtectKernelTunables=yes", "ProtectKernelModules=yes", "ProtectControlGroups=yes"],
        ...["ProtectProc=invisible", "PrivateNetwork=yes", "NoNewPrivileges=yes", "SystemCallFilter=@system-service"],
        ...["RestrictNamespaces=yes", "MemoryDenyWriteExecute=yes", "LockPersonality=yes"],
      ],
      "echo runs; cat /etc/shadow 2>/dev/null; touch /etc/x 2>/dev/null || echo read-only",
    ),
    prints: "runs\nread-only",
  },
  {
    name: "a timer",
    command:
      "rm -f /run/rang; systemd-run -q --on-active=1 --timer-property=AccuracySec=100ms touch /run/rang; for i in $(seq 600); do [ -e /run/rang ] && break; sleep 0.1; done; ls /run/rang",
    prints: "/run/rang",
  },
  {
    name: "priorities and limits",
    command: service(["Nice=5", "LimitNOFILE=500000"], "nice; ulimit -n"),
    prints: "5\n500000",
  },
  { name: "a debugger", command: `sleep 60 & perl -e '${PTRACE}' $!; kill $!`, prints: "stopped" },
  {
    name: "a socket among its files",
    command: `perl -MIO::Socket::UNIX -e '
      my $server = IO::Socket::UNIX->new(Listen => 1, Local => "/var/lib/socket") or die "listen: $!";
      print IO::Socket::UNIX->new(Peer => "/var/lib/socket") ? "connected" : "connect: $!"'; rm /var/lib/socket`,
    prints: "connected",
  },
  {
    name: "a fifo among its files",
    command: "mkfifo /var/lib/fifo; echo through >/var/lib/fifo & cat /var/lib/fifo; rm /var/lib/fifo",
    prints: "through",
  },
  {
    name: "what it may know of hardware and kernel",
    command: "cat /sys/class/net/lo/address /proc/sys/vm/overcommit_memory /proc/sys/user/max_user_namespaces",
    prints: /^00:00:00:00:00:00\n\d\n\d+$/,
  },
  { name: "a list of namespaces", command: "lsns -n -t mnt -o COMMAND | grep -c systemd", prints: /^[1-9]/ },
  { name: "a user namespace inside", command: "unshare -Ur id -u", prints: "0" },
  { name: "its bus", command: "hostnamectl --static", prints: "web" },
  {
    name: "its journal",
    command: "logger here-i-am; journalctl --sync; journalctl -q -o cat -g here-i-am | tail -n 1",
    prints: "here-i-am",
  },
];
