import { z } from "zod";
import { mountedRoot } from "../root-mount.ts";
import { gateway6Of, subnet6Schema } from "../subnet6.ts";
import { insideStep, type Setting, systemctl } from "./setting.ts";
import { fileLine, tmpfiles } from "./tmpfiles.ts";

/** systemd-networkd takes the first file that matches, sorted by name across all folders (systemd.network(5)): `0-` sorts before `00-`. */
const NETWORK = "etc/systemd/network/0-svirt-lxc.network";

/**
 * DHCP on the container's interface (systemd.network(5)). The name that it is asked for by is that of the container.
 * UseDomains: systemd-resolved sends no name of a single label to a server, so it needs the network's domain to search.
 *
 * Its address of IPv6 is static: no answer of DHCPv6 and no router advertisement is listened to, whoever sends it. No other address
 * is on its link (/128), so that it reaches its neighbours by the host, whose packet filter decides. Its link-local address follows
 * from its MAC, since the guest filter lets out no other.
 */
const textFor = (address6?: string) =>
  [
    "[Match]\nName=eth0",
    ["[Network]\nDHCP=ipv4", ...(address6 ? [`Address=${address6}/128`, ...STATIC_6] : [])].join("\n"),
    "[DHCPv4]\nClientIdentifier=mac\nUseDomains=yes",
    ...(address6 ? [`[Route]\nGateway=${gateway6Of(address6)}\nGatewayOnLink=yes`] : []),
  ].join("\n\n");
const STATIC_6 = ["IPv6AcceptRA=no", "IPv6LinkLocalAddressGenerationMode=eui64"];
export const DHCP_UNIT = "systemd-networkd.service";

const inputs = {
  /** Ask for the address by DHCP with systemd-networkd; if not, the root must take the reserved address itself. Kept converged. */
  dhcp: z.boolean().default(true),
  /** IPv6 subnet of the network, in which it has the address of its slot; written with `dhcp`, and kept converged. Without it, it has none. */
  subnet6: subnet6Schema.optional(),
};

interface Inputs {
  dhcp: boolean;
  subnet6?: string;
  /** The address of its slot in that subnet. */
  address6?: string;
}

interface Found {
  /** The file that has it ask for its address by DHCP is there, as we write it. */
  networkFile: boolean;
  /** The address of IPv6 that it gives. */
  address6?: string;
  dhcp: boolean;
}

export const dhcp = {
  inputs,
  files: [NETWORK],
  found(look) {
    const text = look.file(NETWORK)?.join("\n") ?? "";
    const address6 = /^Address=(.*)\/128$/m.exec(text)?.[1];
    const networkFile = text === textFor(address6);
    return {
      networkFile,
      dhcp: networkFile && look.enabled.has(DHCP_UNIT),
      ...(networkFile && address6 && { address6 }),
    };
  },
  steps(target, found, { dhcp: wanted, address6 }) {
    const root = mountedRoot(target.name);
    const write = () => {
      const line = fileLine(`/${NETWORK}`, "0644", `${textFor(address6)}\n`);
      const title = address6 ? `Configuring DHCP and ${address6}` : "Configuring DHCP";
      return insideStep(target, { id: "write-network-file", title }, tmpfiles(root), line);
    };
    const isWritten = found.networkFile && found.address6 === address6;
    const enable = () => {
      const step = { id: "enable-dhcp", title: `Enabling ${DHCP_UNIT}` };
      return insideStep(target, step, systemctl(target, "enable", DHCP_UNIT));
    };
    if (wanted) return [...(isWritten ? [] : [write()]), ...(found.enabled?.includes(DHCP_UNIT) ? [] : [enable()])];
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
  // Where there is no such file, it has nothing to say of IPv6.
  actual: (found, { subnet6, address6 }) => ({
    dhcp: found.dhcp,
    subnet6: !found.networkFile || found.address6 === address6 ? subnet6 : found.address6,
  }),
} satisfies Setting<Inputs, Found & { enabled?: string[] }>;
