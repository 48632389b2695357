# listen.pl INTERFACE SECONDS: prints "ready", and then the mark of each marked frame that comes in, see frames.ts.
use strict;
my ($interface, $seconds) = @ARGV;
my ($index) = `ip -o link show $interface` =~ /^(\d+)/ or die "no interface $interface\n";
socket(my $s, 17, 3, unpack('S', pack('n', 3))) or die "socket: $!\n"; # AF_PACKET, SOCK_RAW, ETH_P_ALL
bind($s, pack('SnlSCCa8', 17, 3, $index, 0, 0, 0, '')) or die "bind: $!\n";
$| = 1;
print "ready\n";
my $end = time + $seconds;
while ((my $left = $end - time) > 0) {
  vec(my $ready = '', fileno($s), 1) = 1;
  next unless select($ready, undef, undef, $left);
  my $from = recv($s, my $frame, 65536, 0);
  next if unpack('x10 C', $from) == 4; # PACKET_OUTGOING
  print "$1\n" if $frame =~ /\[mark ([a-z0-9 ,-]+)\]/;
}
