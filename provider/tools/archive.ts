import { CHECK_ROOT } from "./image-root.ts";

// The digest is taken of the very bytes that tar reads. tar itself keeps members below the folder: it strips leading
// slashes, refuses "..", and puts links that point outside in place only after everything else (info tar, "Security").
// Folders that the archive has no entry for get the usual mode, not that of our own files. What is in /dev stays out: libvirt
// fills that folder itself, and mmdebstrap and debootstrap put device nodes there. The listing (-vvv) tells the size of extended
// attributes: a file capability of 24 bytes (version 3) is one of the user namespace that it was set in. In another it does not act,
// and where that one's root has no id the file cannot even be executed; in it, tar reads it as one of 20 bytes, which acts.
export const UNPACK = `
${CHECK_ROOT}
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
found=$(sed -n -e '/^ /!h' -e '/^  x: *24 security\\.capability$/{g;s/^\\([^ ]* *\\)\\{5\\}\\.*//p;q}' "$dir/list")
[ -z "$found" ] || fail "the archive holds a file capability that counts in one user namespace only: $found; make the archive in there (podman unshare tar)"
check_root "$dir/root" "the archive"
rm "$dir/pipe" "$dir/sum" "$dir/list" && sync -f "$dir" # the record that makes an image of it must not be on the disk before it
`;

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
