# Makes of a mount and process namespace a host: what it holds besides its programs is in memory, and goes with process 1.
set -e
bin=$1
mount --make-rprivate /
inherited=$(findmnt -rno ID)
mount -t tmpfs -o mode=0755,size=256g host /mnt # promised, not used: disks are sparse files
echo "$inherited" >/mnt/inherited # these may go at any time, with what else this machine does
mount -t tmpfs -o mode=0755 run /run
mkdir -p /run/systemd/transient
cd /mnt
mkdir -p bin domains networks tables modules units loaded knobs labels contexts etc work var-lib programs programs-work
mount --bind "$bin" bin
mount -o remount,bind,ro bin
mount --bind bin /usr/local/sbin
mkdir -p var-lib/dpkg # a folder of the system is never empty
mount --bind var-lib /var/lib
mount -t tmpfs sys /sys/fs
mount -t tmpfs boot /boot
mount -t tmpfs log /var/log
mkdir /boot/grub
# What is installed later (see bin/apt-get).
mount -t overlay -o lowerdir=/usr/local/bin,upperdir=programs,workdir=programs-work programs /usr/local/bin

mount -t overlay -o lowerdir=/etc,upperdir=etc,workdir=work etc /etc
mkdir -p /etc/libvirt/nwfilter /etc/libvirt/lxc /etc/selinux /etc/systemd/network /etc/systemd/system.control /etc/sysctl.d
touch /etc/systemd/network /etc/sysctl.d # copied up now, and not when something is written there
mkdir -p systemd/multi-user.target.wants
mount --bind systemd /etc/systemd/system
ln -s /etc/systemd/system/libvirtd.service /etc/systemd/system/multi-user.target.wants/
: >units/libvirtd.socket
: >units/libvirtd.service
rm -f /etc/os-release
cat >/etc/os-release <<'END'
PRETTY_NAME="Debian GNU/Linux 13 (trixie)"
VERSION_ID="13"
ID=debian
END
cat >/etc/libvirt/lxc.conf <<'END'
# Master configuration file for the LXC driver.
#security_driver = "selinux"
#security_default_confined = 1
END
echo SELINUX=enforcing >/etc/selinux/config
mkdir -p /etc/selinux/targeted/policy # the type if the configuration names none
: >/etc/selinux/targeted/policy/policy.33
tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id # this machine's own is below
for package in libvirt-daemon-driver-lxc libvirt-daemon-system libvirt-clients dnsmasq-base nftables iproute2 \
  systemd-container openssh-client procps e2fsprogs selinux-basics selinux-policy-default auditd; do echo "$package"; done | sort >packages

mkdir -p /sys/fs/cgroup
echo cpuset cpu io memory hugetlb pids >/sys/fs/cgroup/cgroup.controllers
mkdir -p /sys/fs/selinux/class allowed
echo 1 >/sys/fs/selinux/enforce
: >/sys/fs/selinux/context
echo policy >/sys/fs/selinux/policy
: >/sys/fs/selinux/access # see bin/timeout
printf '%s\n' "$SELINUX_CLASSES" | while read -r index class allowed permissions; do
  mkdir -p "/sys/fs/selinux/class/$class/perms"
  printf %s "$index" >"/sys/fs/selinux/class/$class/index"
  echo "$allowed" >"allowed/$index"
  for permission in $permissions; do printf %s "${permission#*:}" >"/sys/fs/selinux/class/$class/perms/${permission%:*}"; done
done
# What the kernel says of process 1 and of its own command line; a test may write other things there.
echo system_u:system_r:init_t:s0 >/mnt/knobs/init
: >/mnt/knobs/cmdline
mount --bind /mnt/knobs/init /proc/1/attr/current
mount --bind /mnt/knobs/cmdline /proc/cmdline
# What the kernel starts with unless it is told otherwise, and which boot it is (see reboot.sh).
echo selinux >/mnt/knobs/lsm
cat /proc/sys/kernel/random/uuid >/mnt/knobs/boot-id
mount --bind /mnt/knobs/boot-id /proc/sys/kernel/random/boot_id
echo 1 >/mnt/knobs/forwarding
mount --bind /mnt/knobs/forwarding /proc/sys/net/ipv4/ip_forward
echo 1 >/mnt/knobs/forwarding6
mount --bind /mnt/knobs/forwarding6 /proc/sys/net/ipv6/conf/all/forwarding
echo ready
# Until who made it closes the other end, or dies.
cat >/dev/null
