/**
 * A function of sh: `check_root ROOT WHAT` fails, by `fail TEXT`, where no container could be made of what was unpacked or
 * installed below ROOT; WHAT is what the text calls its source. It also makes the folder /dev, which libvirt fills itself.
 */
export const CHECK_ROOT = `check_root() {
  found=$(find "$1" -xdev \\( -type b -o -type c \\) -printf '/%P' -quit)
  [ -z "$found" ] || fail "$2 holds a device node outside of /dev, which no container may have: $found; make the archive without it (tar --exclude)"
  found=$(find "$1" -xdev \\( -uid +65535 -o -gid +65535 \\) -printf '/%P' -quit)
  [ -z "$found" ] || fail "$2 holds a file of a user or group above 65535: $found"
  [ -e "$1/usr/sbin/init" ] || [ -L "$1/usr/sbin/init" ] || [ -e "$1/sbin/init" ] || fail "$2 holds no /sbin/init"
  [ -e "$1/dev" ] || mkdir -m 0755 "$1/dev" || exit 1
}`;
