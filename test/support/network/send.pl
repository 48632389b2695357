# send.pl INTERFACE: sends the Ethernet frames that stdin has in hex, a line each.
use strict;
my ($interface) = @ARGV;
my ($index) = `ip -o link show $interface` =~ /^(\d+)/ or die "no interface $interface\n";
socket(my $s, 17, 3, 0) or die "socket: $!\n"; # AF_PACKET, SOCK_RAW
while (my $frame = <STDIN>) {
  chomp $frame;
  send($s, pack('H*', $frame), 0, pack('SnlSCCa8', 17, 0, $index, 0, 0, 6, '')) or die "send: $!\n";
}
