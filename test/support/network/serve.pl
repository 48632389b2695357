# serve.pl PORT SECONDS: accepts connections by TCP, of IPv6 too, and prints where each comes from.
use strict;
use IO::Socket::IP;
my ($port, $seconds) = @ARGV;
my $server = IO::Socket::IP->new(LocalHost => '::', LocalPort => $port, Listen => 5) or die "listen: $@\n";
$| = 1;
alarm $seconds;
while (my $s = $server->accept) { print $s->peerhost, "\n" }
