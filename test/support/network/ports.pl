# ports.pl ADDRESS:PORT...: tries to connect by TCP, and prints what came of each: open, refused or silent. IPv6 goes in brackets.
use strict;
use IO::Socket::IP;
for my $to (@ARGV) {
  my $s = IO::Socket::IP->new(PeerAddr => $to, Timeout => 5);
  print "$to ", $s ? 'open' : $! =~ /refused|unreachable|prohibited|No route/ ? 'refused' : 'silent', "\n";
}
