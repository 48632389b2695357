# What the attacks have in common. Each is run in a process and, where the container may make one, a mount namespace of its
# own: what it mounts goes with it. It ends with one word: "succeeded", "absent" or "refused ERRNO".
use strict;
use Errno;
use Fcntl;
use Socket;

our %known;    # what the attacker has been told: process ids, paths, serial numbers
our $prefix = '';
$| = 1;

my %ABSENT = map { $_ => 1 }
  qw(ENOENT ESRCH ENODEV ENXIO ENOSYS ENOTDIR ENOKEY EAFNOSUPPORT EPROTONOSUPPORT ESOCKTNOSUPPORT);

# The name of an error.
sub error_name {
  my $number = $! + 0;
  for my $name (sort keys %!) {
    next if $name =~ /^(EWOULDBLOCK|EDEADLOCK|ENOTSUP)$/;
    no strict 'refs';
    return $name if &{"Errno::$name"}() == $number;
  }
  return "E$number";
}

sub end { syswrite STDOUT, "$_[0]\n"; exit 0 }
sub absent { end('absent') }

# What was tried has worked, or it has failed with $!.
sub tried {
  my ($worked) = @_;
  my $name = error_name();
  end($worked ? 'succeeded' : $ABSENT{$name} ? 'absent' : "refused $name");
}

# The same, where the kernel asks for the right before it looks at the arguments: these errors come after that.
sub tried_badly {
  my ($result, @later) = @_;
  my $name = error_name();
  tried($result >= 0 || grep { $_ eq $name } @later);
}

# On /mnt.
sub mount {
  my ($type, $source, $options) = (@_, 'none');
  my $at = '/mnt';
  return syscall(165, $source, $at, $type, 0, defined $_[2] ? $options : 0) == 0;
}

sub remount_writable {
  my ($at) = @_;
  my $none = 'none';
  return syscall(165, $none, $at, $none, 0x1000 | 0x20, 0) == 0;    # MS_BIND | MS_REMOUNT, without MS_RDONLY
}

sub opened {
  my ($path, $flags) = @_;
  sysopen(my $file, $path, $flags) or return;
  return $file;
}

# A file of /proc or /sys, which libvirt mounts read-only: as it is, then remounted, then in a new instance.
sub open_for_writing {
  my ($path) = @_;
  my $file = opened($path, O_WRONLY);
  for my $top ('/proc/sys', '/proc', '/sys') {
    last if $file || $!{ENOENT};
    my $error = $! + 0;
    next unless index($path, "$top/") == 0;
    if (remount_writable($top)) { $file = opened($path, O_WRONLY) } else { $! = $error }
  }
  return $file if $file || $!{ENOENT};
  my $error = $! + 0;
  my ($top, $rest) = $path =~ m{^/(proc|sys)/(.*)};
  if (mount($top eq 'proc' ? 'proc' : 'sysfs')) { $file = opened("/mnt/$rest", O_WRONLY) } else { $! = $error }
  return $file;
}

sub content {
  my ($path) = @_;
  my $file = opened($path, O_RDONLY) or return;
  my $text = '';
  1 while sysread $file, $text, 65536, length $text;
  return $text;
}

# Writes what is there already; where it may not be read, opens it only.
sub write_back {
  my ($path) = @_;
  my $value = content($path);
  my $file = open_for_writing($path) or return;
  return 1 unless defined $value && length $value;
  return defined syswrite $file, $value;
}

# A device node of its own, opened.
sub node {
  my ($kind, $major, $minor, $flags) = @_;
  my $path = "/attack-node.$$";
  syscall(133, $path, ($kind eq 'b' ? 0060000 : 0020000) | 0600, $major << 8 | $minor) == 0 or return;
  my $file = opened($path, $flags);
  my $error = $! + 0;
  unlink $path;
  $! = $error;
  return $file;
}

# The control groups, with the options that the host has: without, whoever is in its control group namespace would take them away.
sub mount_groups { return mount('cgroup2', 'none', $known{group_options}) }

# Goes into a control group of the host.
sub leave_group {
  mount_groups() or return;
  my $file = opened("/mnt/$known{group}/cgroup.procs", O_WRONLY) or return;
  return defined syswrite $file, "0\n";
}

# Is the process of this number the one that was meant, and no other of the container's own?
sub is_mark { return (content("/proc/$_[0]/cmdline") // '') =~ /attack-mark/ }

# Any process with this mark, here or in a new instance of /proc.
sub sees_process {
  my ($mark) = @_;
  mount('proc');
  for my $file (glob('/proc/[0-9]*/cmdline'), glob('/mnt/[0-9]*/cmdline')) {
    return 1 if (content($file) // '') =~ /\Q$mark\E/;
  }
  return 0;
}

sub reads_key {
  my ($serial) = @_;
  my $text = "\0" x 100;
  return syscall(250, 11, $serial, $text, 100) > 0;    # KEYCTL_READ
}

sub connects_to_abstract {
  my ($name) = @_;
  socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or return;
  return connect($socket, pack('Sa*', AF_UNIX, "\0$name"));
}

sub attack {
  my ($id, $work) = @_;
  print "$prefix$id ";
  my $child = fork // die "fork: $!";
  if (!$child) {
    alarm 30;
    open STDIN, '<', '/dev/null';
    open STDERR, '>', '/dev/null';
    my ($none, $top) = ('none', '/');
    syscall(272, 0x20000) == 0 && syscall(165, $none, $top, $none, 0x44000, 0);    # CLONE_NEWNS; MS_REC | MS_PRIVATE
    chdir '/';
    $! = 0;
    $work->();
    end('undecided');
  }
  waitpid $child, 0;
  print "ended $?\n" if $?;
}

# All of it, as root of a user namespace that is made here, with all other namespaces made there, too.
sub nested {
  my ($all) = @_;
  my $child = fork // die "fork: $!";
  if (!$child) {
    if (syscall(272, 0x7e020000) != 0) { print 'nested refused ', error_name(), "\n"; exit 0 }
    for (['setgroups', 'deny'], ['uid_map', '0 0 1'], ['gid_map', '0 0 1']) {
      my $file = opened("/proc/self/$_->[0]", O_WRONLY);
      if (!$file || !syswrite $file, $_->[1]) { print "nested refused $_->[0] ", error_name(), "\n"; exit 0 }
    }
    my $init = fork // die "fork: $!";
    if (!$init) { $prefix = 'nested:'; $all->(); exit 0 }
    waitpid $init, 0;
    exit 0;
  }
  waitpid $child, 0;
}

# Sends the kernel's audit a message and returns whether it took it.
sub audit {
  my ($type, $text) = @_;
  socket(my $socket, 16, 3, 9) or return;    # AF_NETLINK, SOCK_RAW, NETLINK_AUDIT
  my $message = pack('LSSLL', 16 + length $text, $type, 5, 1, 0) . $text;    # NLM_F_REQUEST | NLM_F_ACK
  defined send $socket, $message, 0, pack('SSLL', 16, 0, 0, 0) or return;
  my $ready = '';
  vec($ready, fileno $socket, 1) = 1;
  select($ready, undef, undef, 5) or return;
  recv $socket, my $answer, 8192, 0;
  my (undef, $kind, undef, undef, undef, $error) = unpack 'LSSLLl', $answer;
  return 1 if $kind != 2 || $error == 0;    # not NLMSG_ERROR, or its "none"
  $! = -$error;
  return;
}
