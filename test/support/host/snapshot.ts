import type { Host } from "./host.ts";

// Everything that a host keeps, a line each. Of what is made anew each time, and of revisions, it counts that they are there.
const SNAPSHOT = `
filter() {
  case $1 in
  */instance|*/machine-id|*/ssh_host_ed25519_key*|*/uuid) echo '(made anew)';;
  */shadow*) sed 's/\\$[^:]*/HASH/' "$1" | tr '\\n' ' ';;
  *.xml) sed 's/[0-9a-f]\\{8\\}-[0-9a-f-]*/UUID/g; s/ id=.[0-9]*.>/>/; s/revision="[0-9]*"/revision="N"/' "$1" | tr '\\n' ' ';;
  /var/lib/svirt-lxc/*.json|/var/lib/svirt-lxc/slots/*|/var/lib/svirt-lxc/claims/*) sed 's/"revision":[0-9]*/"revision":N/' "$1" | tr '\\n' ' ';;
  *) sha256sum <"$1" | cut -c 1-16;;
  esac
}
find /var/lib /mnt/etc /mnt/systemd /mnt/domains /mnt/networks /mnt/modules /mnt/units /mnt/contexts /mnt/packages \\
  /run /sys/fs/selinux ! -path '/mnt/etc/.pwd.lock' ! -path '/run/svirt-lxc' ! -path '/run/svirt-lxc/lock' ! -path '/run/svirt-lxc/holder' ! -path '/run/svirt-lxc/looking' \\
  ! -path '/run/svirt-lxc/batch.*' ! -path '/run/libvirt*' ! -path /sys/fs/selinux/access ! -path '*/layers/work/*' -printf '%y %m %U:%G %p %l\\n' |
while read -r line; do
  set -- $line
  case $1 in f) echo "$line $(filter "$4")";; *) echo "$line";; esac
done | sort -k 4
cat /mnt/labels/* 2>/dev/null | sed 's/^/label /'
findmnt -rn -o TARGET,FSTYPE | grep -v '^/proc/' | sort
ps -eo pid=,ppid=,args= | awk -v self=$$ '$1 != 1 && $1 != self && $2 != self && !($2 == 1 && $3 == "cat") && $3 !~ /^\\[/ {print "process " $3}'
`;

/** What a host is like, as lines that compare. */
export async function snapshot(host: Host): Promise<string[]> {
  return (await host.sh(SNAPSHOT)).split("\n");
}

/** The folders of batches, which nobody has when nothing is under way. */
export async function batches(host: Host): Promise<string> {
  return host.sh("ls -d /run/svirt-lxc/batch.* 2>/dev/null || true");
}
