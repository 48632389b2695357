import { z } from "zod";
import { mountedRoot } from "../root-mount.ts";
import { insideStep, type Setting, systemctl } from "./setting.ts";
import { fileLine, tmpfiles } from "./tmpfiles.ts";

/** systemd-networkd takes the first file that matches, sorted by name across all folders (systemd.network(5)): `0-` sorts before `00-`. */
const NETWORK = "etc/systemd/network/0-svirt-lxc.network";

/**
 * DHCP on the container's interface (systemd.network(5)). The name that it is asked for by is that of the container.
 * UseDomains: systemd-resolved sends no name of a single label to a server, so it needs the network's domain to search.
 */
const DHCP = "[Match]\nName=eth0\n\n[Network]\nDHCP=ipv4\n\n[DHCPv4]\nClientIdentifier=mac\nUseDomains=yes\n";
export const DHCP_UNIT = "systemd-networkd.service";

const inputs = {
  /** Ask for the address by DHCP with systemd-networkd; if not, the root must take the reserved address itself. Kept converged. */
  dhcp: z.boolean().default(true),
};

interface Found {
  /** The file that has it ask for its address by DHCP is there, as we write it. */
  networkFile: boolean;
  dhcp: boolean;
}

export const dhcp = {
  inputs,
  files: [NETWORK],
  found(look) {
    const networkFile = look.file(NETWORK)?.join("\n") === DHCP.trimEnd();
    return { networkFile, dhcp: networkFile && look.enabled.has(DHCP_UNIT) };
  },
  steps(target, found, { dhcp: wanted }) {
    const root = mountedRoot(target.name);
    const write = () => {
      const line = fileLine(`/${NETWORK}`, "0644", DHCP);
      return insideStep(target, { id: "write-network-file", title: "Configuring DHCP" }, tmpfiles(root), line);
    };
    const enable = () => {
      const step = { id: "enable-dhcp", title: `Enabling ${DHCP_UNIT}` };
      return insideStep(target, step, systemctl(target, "enable", DHCP_UNIT));
    };
    if (wanted)
      return [...(found.networkFile ? [] : [write()]), ...(found.enabled?.includes(DHCP_UNIT) ? [] : [enable()])];
    if (!found.networkFile) return [];
    // The file goes last: it tells that the unit was enabled by us.
    return [
      insideStep(
        target,
        { id: "disable-dhcp", title: `Disabling ${DHCP_UNIT}` },
        systemctl(target, "disable", DHCP_UNIT),
      ),
      insideStep(
        target,
        { id: "remove-network-file", title: "Removing the configuration of DHCP" },
        tmpfiles(root, "--remove"),
        `r /${NETWORK}\n`,
      ),
    ];
  },
  actual: (found) => ({ dhcp: found.dhcp }),
} satisfies Setting<{ dhcp: boolean }, Found & { enabled?: string[] }>;
