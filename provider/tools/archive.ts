import { STORE } from "../host/records.ts";

// The digest is taken of the very bytes that tar reads. tar itself keeps members below the folder: it strips leading
// slashes, refuses "..", and puts links that point outside in place only after everything else (info tar, "Security").
// Folders that the archive has no entry for get the usual mode, not that of our own files. What is in /dev stays out: libvirt
// fills that folder itself, and mmdebstrap and debootstrap put device nodes there. The listing (-vvv) tells the size of extended
// attributes: a file capability of 24 bytes (version 3) is one of the user namespace that it was set in. In another it does not act,
// and where that one's root has no id the file cannot even be executed; in it, tar reads it as one of 20 bytes, which acts.
const UNPACK = `
fail() { echo "$1" >&2; rm -rf "$dir"; exit 1; }
dir=$1 want=$2 unzip=$3
rm -rf "$dir" && mkdir -p "$dir/root" && mkfifo "$dir/pipe" || exit 1
chmod 0755 "$dir/root"
sha256sum <"$dir/pipe" >"$dir/sum" &
tee -p "$dir/pipe" | (umask 022; exec tar -x $unzip --anchored --exclude='dev/*' --exclude='./dev/*' --exclude='/dev/*' \
  -vvv -p --numeric-owner --acls --xattrs --xattrs-include=security.capability -C "$dir/root" -f -) >"$dir/list" ||
  fail "the archive could not be unpacked"
wait
is=$(cut -c 1-64 "$dir/sum")
[ "$is" = "$want" ] || fail "the archive's sha256 is $is, not $want"
found=$(find "$dir/root" -xdev \\( -type b -o -type c \\) -printf '/%P' -quit)
[ -z "$found" ] || fail "the archive holds a device node outside of /dev, which no container may have: $found; make the archive without it (tar --exclude)"
found=$(find "$dir/root" -xdev \\( -uid +65535 -o -gid +65535 \\) -printf '/%P' -quit)
[ -z "$found" ] || fail "the archive holds a file of a user or group above 65535: $found"
found=$(sed -n -e '/^ /!h' -e '/^  x: *24 security\\.capability$/{g;s/^\\([^ ]* *\\)\\{5\\}\\.*//p;q}' "$dir/list")
[ -z "$found" ] || fail "the archive holds a file capability that counts in one user namespace only: $found; make the archive in there (podman unshare tar)"
[ -e "$dir/root/usr/sbin/init" ] || [ -L "$dir/root/usr/sbin/init" ] || [ -e "$dir/root/sbin/init" ] || fail "the archive holds no /sbin/init"
[ -e "$dir/root/dev" ] || mkdir -m 0755 "$dir/root/dev" || exit 1
rm "$dir/pipe" "$dir/sum" "$dir/list" && sync -f "$dir" # the record that makes an image of it must not be on the disk before it
`;

/** Where an image is unpacked before it is complete. Each owner has its own place: two may unpack at the same time. */
export function stagingFolder(sha256: string, owner: string): string {
  return `${STORE}/staging/${sha256}.${encodeURIComponent(owner)}`;
}

/** Unpacks a tar archive, checked, into a staging folder. It comes by standard input or is a file of the host. */
export function unpack(archive: string, sha256: string, staging: string, from: "stdin" | "host"): string[] {
  const script = from === "stdin" ? UNPACK : `exec <"$4" || exit 1\n${UNPACK}`;
  return ["sh", "-c", script, "sh", staging, sha256, decompression(archive), archive];
}

/** tar tells a compressed archive by its content, but not when it comes through a pipe. */
export function decompression(archive: string): string {
  if (/\.(tgz|tar\.gz)$/.test(archive)) return "--gzip";
  if (/\.(txz|tar\.xz)$/.test(archive)) return "--xz";
  if (/\.(tzst|tar\.zst)$/.test(archive)) return "--zstd";
  return "";
}
