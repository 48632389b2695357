import { execa } from "execa";

/**
 * Prints every distinct command line and environment that a process of a machine has, until its standard input ends. A
 * process that has lived for a while is looked at seldom: these change only with another program.
 */
const SAMPLE = String.raw`
my (%seen, %age);
$| = 1;
for (;;) {
  opendir(my $proc, "/proc");
  for my $pid (grep { /^\d+$/ } readdir $proc) {
    next if $age{$pid}++ > 20 && $age{$pid} % 50;
    for my $what ("cmdline", "environ") {
      open(my $h, "<", "/proc/$pid/$what") or next;
      local $/; my $text = <$h>; next unless defined $text && length $text;
      $text =~ tr/\0/\n/;
      print "\@$what\n$text\n" unless $seen{$text}++;
    }
  }
  vec(my $in = "", 0, 1) = 1;
  last if select($in, undef, undef, 0.02);
}
`;

/** Samples the processes of the machine that `shell` gives a shell of. */
export function sampleProcesses(...shell: string[]): { stop(): Promise<string> } {
  const [command = "perl", ...args] = [...shell, "perl", "-"];
  const program = `${SAMPLE}__END__\n`;
  const child = execa(command, args, { stdin: "pipe", maxBuffer: 512 * 1024 * 1024 });
  child.stdin.write(program);
  return {
    async stop() {
      child.stdin.end();
      return (await child).stdout;
    },
  };
}
