/**
 * A function of sh: `own_interface INIT` prints the name of the interface that libvirt gave to the container of that init, and by
 * which it is on the host's network: one end of a veth pair whose other end is on the host. The root may rename it, and may make
 * others, whose other ends are not here. A network without veth pairs (macvlan) has it as eth0, as libvirt names it.
 */
export const OWN_INTERFACE = `
host_veths=$(ip -o link show type veth 2>/dev/null)
own_interface() {
  { printf '%s\\n' "$host_veths" --; nsenter -t "$1" -n ip -o link show type veth 2>/dev/null; } | awk '
    $1 == "--" { inside = 1; next }
    { index_ = $1 + 0; name = $2; sub(/:$/, "", name); peer = name }
    !sub(/^.*@if/, "", peer) { next }
    !inside { peers[index_] = peer; next }
    peers[peer] == index_ { sub(/@if[0-9]*$/, "", name); found = name; exit }
    END { print found == "" ? "eth0" : found }'
}`;
