# target.pl attack-mark-NAME [ADDRESS]: somebody to be attacked. It has a key, System V shared memory, an abstract socket and a
# file, prints in a line what an attacker may have been told of them, and sends its mark to the address until it is ended.
use strict;
use Socket;
my ($mark, $address) = @ARGV;
my ($name) = $mark =~ /attack-mark-(\w+)/ or die "no mark";
my ($type, $secret) = ('user', 'secret');
my $key = syscall(248, $type, $mark, $secret, length $secret, -2);    # add_key, to its process keyring
syscall(250, 5, $key, 0x3f3f0000) == 0 or die "the key: $!";          # KEYCTL_SETPERM: the owner may do all
my $ipc = unpack 'L', pack 'A4', $name;
defined shmget($ipc, 4096, 01600) or die "shared memory: $!";
socket(my $listening, AF_UNIX, SOCK_STREAM, 0) or die "a socket: $!";
bind($listening, pack('Sa*', AF_UNIX, "\0$mark")) or die "its address: $!";
listen $listening, 5;
umask 077;
open(my $file, '>', "/root/$mark") or die "the file: $!";
print $file "secret\n";
close $file;
$| = 1;
print "$$ $key $ipc\n";
$SIG{TERM} = sub {
  my $segment = shmget $ipc, 0, 0;
  shmctl $segment, 0, 0;    # IPC_RMID
  unlink "/root/$mark";
  exit 0;
};
socket(my $sending, AF_INET, SOCK_DGRAM, 0) or die "a socket: $!";
while (1) {
  select undef, undef, undef, 0.5;
  send $sending, $mark, 0, pack_sockaddr_in(4000, inet_aton($address)) if $address;
}
