import { defineGuestFilter, GUEST_FILTER_6, guestFilterFile } from "../../provider/tools/guest-filter.ts";
import { containerText, writeNetworkRules } from "../../provider/tools/network-rules.ts";
import { domainInputs, libvirtInputs } from "./inputs.ts";
import { added, both, type Edit, swap, without } from "./recorded.ts";

/** What the recorded host would have printed, had its network a subnet of IPv6. */

export const SUBNET6 = "fd42:1:2:3::/64";
export const ADDRESS6 = "fd42:1:2:3::2";
export const LINK_LOCAL = "fe80::aff:fed5:2";

const listed = (path: string, text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => `${path}:${line}`);

/** As libvirt 11.3 prints it. */
export const ipv6Network = (nat = "<nat ipv6='yes'/>", address = "fd42:1:2:3::1"): Edit =>
  swap(
    /(<name>svirt-lxc<.*<forward mode='nat')\/>(.*? {2}<\/ip>\n)/s,
    `$1>\n    ${nat}\n  </forward>$2  <ip family='ipv6' address='${address}' prefix='64'>\n  </ip>\n`,
  );

/** What libvirt then writes besides, with iptables. */
export const ipv6Firewall = added(
  "table ip6 filter {",
  "chain LIBVIRT_INP {",
  'iifname "svirt-lxc" udp dport 53 counter accept',
  "}",
  "chain INPUT {",
  "type filter hook input priority filter; policy accept;",
  "counter jump LIBVIRT_INP",
  "}",
  "chain LIBVIRT_FWO {",
  `ip6 saddr ${SUBNET6} iifname "svirt-lxc" counter accept`,
  "}",
  "chain LIBVIRT_FWI {",
  `ip6 daddr ${SUBNET6} oifname "svirt-lxc" ct state related,established counter accept`,
  "}",
  "chain FORWARD {",
  "type filter hook forward priority filter; policy accept;",
  "counter jump LIBVIRT_FWI",
  "counter jump LIBVIRT_FWO",
  "}",
  "}",
  "table ip6 nat {",
  "chain LIBVIRT_PRT {",
  `ip6 saddr ${SUBNET6} ip6 daddr != ${SUBNET6} counter xt target "MASQUERADE"`,
  "}",
  "chain POSTROUTING {",
  "type nat hook postrouting priority srcnat; policy accept;",
  "counter jump LIBVIRT_PRT",
  "}",
  "}",
);

export const ipv6Filter = (xml = defineGuestFilter(GUEST_FILTER_6).stdin!): Edit =>
  added(...listed(guestFilterFile(GUEST_FILTER_6), xml));

const { network, subnet } = libvirtInputs;
const table = "/var/lib/svirt-lxc/networks/svirt-lxc/rules.nft";
const written = writeNetworkRules({ network, bridge: network, subnet, gateway: "10.213.0.1", subnet6: SUBNET6 }).argv;
export const ipv6Table: Edit = both(
  without(/\/rules\.nft/),
  added(...listed(table, written[written.indexOf(table) + 1]!)),
);

const { address, isolated, hostPorts, talksTo, connections } = domainInputs;
const rules = { address, address6: ADDRESS6, isolated, hostPorts, talksTo, connections };
export const ipv6Rules: Edit = both(
  without(/containers\/web/),
  added(...listed("/var/lib/svirt-lxc/networks/svirt-lxc/containers/web.nft", containerText(network, "web", rules))),
);

const parameters = Object.entries({ IP: address, IPV6: ADDRESS6, LINKLOCAL: LINK_LOCAL });
export const ipv6Interface = swap(
  /<filterref.*?<\/filterref>/gs,
  `<filterref filter='svirt-lxc-guest-ipv6'>${parameters.map(([name, value]) => `<parameter name='${name}' value='${value}'/>`).join("")}</filterref>`,
);

/** In the file of systemd-networkd that is written into the root. */
export const ipv6Root = (own = ADDRESS6, gateway = "fd42:1:2:3::1"): Edit => {
  const line = (text: string) => `web etc/systemd/network/0-svirt-lxc.network:${text}\n`;
  const lines = (...texts: string[]) => texts.map(line).join("");
  return both(
    swap(
      line("DHCP=ipv4"),
      lines("DHCP=ipv4", `Address=${own}/128`, "IPv6AcceptRA=no", "IPv6LinkLocalAddressGenerationMode=eui64"),
    ),
    swap(line("UseDomains=yes"), lines("UseDomains=yes", "", "[Route]", `Gateway=${gateway}`, "GatewayOnLink=yes")),
  );
};
