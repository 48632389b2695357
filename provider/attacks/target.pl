# target.pl attack-mark-NAME FILE [ADDRESS]: somebody to be attacked. It has a key, System V shared memory, an abstract socket
# and a file, prints what an attacker may have been told of them, a line each, and sends its mark to the address. It is there
# until its standard input ends, half an hour at most, and takes all of it along.
use strict;
use Errno;
use Socket;
my ($mark, $path, $address) = @ARGV;
my ($name) = $mark =~ /attack-mark-(\w+)/ or die "no mark\n";
my ($type, $secret, $over, $segment) = ('user', 'secret');
$SIG{HUP} = 'IGNORE';
$SIG{$_} = sub { $over = 1 } for qw(TERM INT ALRM);
alarm 1800;

socket(my $listening, AF_UNIX, SOCK_STREAM, 0) or die "a socket: $!\n";
bind($listening, pack('Sa*', AF_UNIX, "\0$mark")) or die $!{EADDRINUSE} ? "it is being attacked already\n" : "a socket's address: $!\n";
listen $listening, 5;
my $key = syscall(248, $type, $mark, $secret, length $secret, -2);    # add_key, to its process keyring
syscall(250, 5, $key, 0x3f3f0000) == 0 or die "the key: $!\n";        # KEYCTL_SETPERM: the owner may do all
socket(my $sending, AF_INET, SOCK_DGRAM, 0) or die "a socket: $!\n";
my $ipc = unpack 'L', pack 'A4', $name;
defined($segment = shmget($ipc, 4096, 01600)) or die "shared memory: $!\n";
END {
  if (defined $segment) {
    shmctl $segment, 0, 0;    # IPC_RMID
    unlink $path;
  }
}
umask 077;
open(my $file, '>', $path) or die "the file: $!\n";
print $file "secret\n";
close $file;
$| = 1;
print "${name}_pid $$\n${name}_key $key\n${name}_ipc $ipc\n${name}_file $path\nready 1\n";

until ($over) {
  my $ready = '';
  vec($ready, fileno STDIN, 1) = 1;
  last if select($ready, undef, undef, 0.5) > 0 && !sysread STDIN, my $ignored, 4096;
  send $sending, $mark, 0, pack_sockaddr_in(4000, inet_aton($address)) if $address;
}
