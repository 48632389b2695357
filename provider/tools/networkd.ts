import type { Step } from "../host/batch.ts";
import { WRITE_CONFIG } from "./config-file.ts";

/** Where the host's systemd-networkd is told of a network. It sorts before what a host may say of all its interfaces. */
const fileOf = (network: string) => `/etc/systemd/network/0-svirt-lxc.${network}.network`;

/**
 * A host that configures every interface (`[Match] Type=ether`, systemd.network(5)) takes those of containers out of libvirt's
 * bridge, and one that has `Name=*` takes the bridge's address: containers would be cut off. Virtual machines' are of no such driver.
 */
const textFor = (
  bridge: string,
) => `# Written by svirt-lxc: the network is libvirt's, and so are the host's ends of containers' interfaces.
[Match]
Driver=veth bridge
Name=vnet* ${bridge}

[Link]
Unmanaged=yes
`;

/** The command that prints the files of all our networks, a line "FILE:LINE" each. */
export const LIST_NETWORKD = `grep -sH . ${fileOf("*")}`;

/** Does it leave a network alone, by what LIST_NETWORKD printed? */
export function isLeftAlone(listed: string, network: string, bridge: string): boolean {
  const start = `${fileOf(network)}:`;
  const lines = listed.split("\n").filter((line) => line.startsWith(start));
  const wanted = textFor(bridge).split("\n").filter(Boolean);
  return lines.map((line) => line.slice(start.length)).join("\n") === wanted.join("\n");
}

/** Is there a file of ours for it, whatever it says? */
export function hasFile(listed: string, network: string): boolean {
  return listed.split("\n").some((line) => line.startsWith(`${fileOf(network)}:`));
}

// By systemd: `networkctl reload` waits in vain for an answer where SELinux is enforcing. One that does not run reads them when it starts.
const RELOAD =
  "reload() { ! systemctl is-active --quiet systemd-networkd.service || systemctl reload systemd-networkd.service; }";

// What was not read is not there: it is written again.
const WRITE = `${WRITE_CONFIG}
${RELOAD}
write_config "$1" || exit 1
reload || { rm "$1"; exit 1; }`;

const REMOVE = `${RELOAD}
[ ! -e "$1" ] || { rm "$1" && reload; }`;

export function leaveAlone(network: string, bridge: string): Step {
  return {
    id: "write-networkd-file",
    title: "Telling networkd to leave the network alone",
    argv: ["sh", "-c", WRITE, "sh", fileOf(network)],
    stdin: textFor(bridge),
  };
}

export function removeFile(network: string): Step {
  return {
    id: "remove-networkd-file",
    title: "Removing the rule of networkd for the network",
    argv: ["sh", "-c", REMOVE, "sh", fileOf(network)],
  };
}
