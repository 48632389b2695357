# target.pl attack-mark-NAME FILE [ADDRESS]: somebody to be attacked. It has a key, System V shared memory, an abstract socket
# and a file, prints what an attacker may have been told of them, a line each, and sends its mark to the address. It is there
# until its standard input ends, and takes all of it along.
use strict;
use Socket;
my ($mark, $path, $address) = @ARGV;
my ($name) = $mark =~ /attack-mark-(\w+)/ or die "no mark";
my ($type, $secret) = ('user', 'secret');
my $key = syscall(248, $type, $mark, $secret, length $secret, -2);    # add_key, to its process keyring
syscall(250, 5, $key, 0x3f3f0000) == 0 or die "the key: $!";          # KEYCTL_SETPERM: the owner may do all
my $ipc = unpack 'L', pack 'A4', $name;
defined(my $segment = shmget($ipc, 4096, 01600)) or die "shared memory: $!";
socket(my $listening, AF_UNIX, SOCK_STREAM, 0) or die "a socket: $!";
bind($listening, pack('Sa*', AF_UNIX, "\0$mark")) or die "its address: $!";
listen $listening, 5;
umask 077;
open(my $file, '>', $path) or die "the file: $!";
print $file "secret\n";
close $file;
socket(my $sending, AF_INET, SOCK_DGRAM, 0) or die "a socket: $!";
$| = 1;
print "${name}_pid $$\n${name}_key $key\n${name}_ipc $ipc\n${name}_file $path\nready 1\n";
$SIG{HUP} = 'IGNORE';

while (1) {
  my $ready = '';
  vec($ready, fileno STDIN, 1) = 1;
  last if select($ready, undef, undef, 0.5) && !sysread STDIN, my $ignored, 4096;
  send $sending, $mark, 0, pack_sockaddr_in(4000, inet_aton($address)) if $address;
}
shmctl $segment, 0, 0;    # IPC_RMID
unlink $path;
