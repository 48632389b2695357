/** The shares of a container's memory that its file systems in memory may take, as divisors. */
export const SHARES = { "/run": 10, "/tmp": 4, "/dev/shm": 4 };

/**
 * What libvirt starts as a container's first process: it becomes the image's own init. libvirt's LXC driver knows no control
 * group namespace (cgroup_namespaces(7)), and mounts the tree of the whole host: in a namespace of its own, the container sees its
 * part of the tree only, and may not change the limits that libvirt set in it (nsdelegate). And a tmpfs is half of the host's
 * memory large where nobody says otherwise: these are parts of the container's own.
 *
 * Mounts are shared among its own mount namespaces, as everywhere but in containers, where systemd leaves them as they are: what a
 * helper of a unit mounts for it, its credentials, is seen by the unit (LoadCredential= in systemd.exec(5)).
 *
 * An image without the programs is started without: they are those of util-linux. /run and /dev/shm are mounted here, since
 * systemd leaves alone what is mounted there already; whether /tmp is in memory is for the image to say, and its unit is told the size.
 */
const INSIDE = [
  "mount --make-rshared /",
  "mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 /sys/fs/cgroup",
  "read -r memory </sys/fs/cgroup/memory.max",
  "case $memory in '' | *[!0-9]*) exec /sbin/init ;; esac",
  "limited() { mount -t tmpfs -o nosuid,nodev,size=$1,mode=$2 tmpfs $3; }",
  `limited $((memory / ${SHARES["/run"]})) 755 /run`,
  `mkdir -p /dev/shm && limited $((memory / ${SHARES["/dev/shm"]})) 1777 /dev/shm`,
  `mkdir -p /run/systemd/system/tmp.mount.d && printf '[Mount]\\nOptions=mode=1777,strictatime,nosuid,nodev,size=%s\\n' $((memory / ${SHARES["/tmp"]})) >/run/systemd/system/tmp.mount.d/size.conf`,
  "exec /sbin/init",
].join("; ");

const FIRST = [
  "command -v unshare >/dev/null && command -v umount >/dev/null || exec /sbin/init",
  "umount /sys/fs/cgroup",
  'exec unshare -C /bin/sh -c "$0"',
].join("; ");

/** The program, and its arguments. */
export const INIT: readonly string[] = ["/bin/sh", "-c", FIRST, INSIDE];
