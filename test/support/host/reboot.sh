# What a restart does of SELinux: the kernel has it or not, loads a policy or not, and relabels files if it was told to.
rm -f /run/systemd/transient/*.timer
[ -d /sys/fs/selinux ] || mv /mnt/selinuxfs /sys/fs/selinux
mode=$(sed -n 's/^SELINUX=//p' /etc/selinux/config)
off=
if ! grep -qs security=selinux /boot/grub/grub.cfg && ! grep -q selinux /mnt/knobs/lsm; then
  mv /sys/fs/selinux /mnt/selinuxfs
  off=1
elif [ "$mode" = disabled ]; then
  rm -f /sys/fs/selinux/enforce
  off=1
else
  if [ "$mode" = enforcing ]; then echo 1; else echo 0; fi >/sys/fs/selinux/enforce
  # A host that enforces cannot look for the file (selinux-autorelabel-generator), and one that relabels restarts once more.
  if [ "$mode" = permissive ] && [ -e /mnt/autorelabel ] && [ ! -e /mnt/knobs/stubborn ]; then
    rm -f /mnt/autorelabel /mnt/knobs/mislabelled
    echo system_u:system_r:init_t:s0 >/mnt/knobs/init
  fi
fi
# Each boot without SELinux asks for a relabelling of types (selinux-autorelabel-mark.service).
if [ -n "$off" ]; then
  [ -e /mnt/autorelabel ] || : >/mnt/autorelabel
  echo kernel >/mnt/knobs/init
fi
cat /proc/sys/kernel/random/uuid >/mnt/knobs/boot-id
