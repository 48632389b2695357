import type { Step } from "../host/batch.ts";

/** What to do where the host or the network keeps an image from being made; what the tools of all sources say of it. */
export const HOST_REMEDIES: NonNullable<Step["remedies"]> = [
  [
    "No space left on device|disk is full|more space needed|needs .* more space|not enough free space",
    "make room on the host's file system of /var/lib/svirt-lxc, and run the same command again",
  ],
  [
    "Could ?n.t (connect|resolve)|Temporary failure|Cannot download|Failed to download|Usable URL not found|unable to connect|pinging container registry|no such host|Curl error",
    "see that the host reaches the mirror (a proxy, a firewall, a name that does not resolve), or declare another one, and run the same command again",
  ],
];
