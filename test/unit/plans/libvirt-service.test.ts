import { fedora as FEDORA } from "../../../provider/families/fedora.ts";
import { libvirtService } from "../../../provider/resources/libvirt-service/index.ts";
import { missing } from "../../../provider/tools/lxc-conf.ts";
import { libvirtInputs } from "../../support/inputs.ts";
import { ipv6Filter, ipv6Firewall, ipv6Network, ipv6Table, SUBNET6 } from "../../support/ipv6.ts";
import { given, idsOf, plans, refusals, removals } from "../../support/plans.ts";
import {
  added,
  both,
  type Edit,
  type Edits,
  recorded,
  says,
  swap,
  without,
  withoutElement,
} from "../../support/recorded.ts";

const claimOf = (stack: string, network: string, subnet: string, subnet6?: string) =>
  `./claims/libvirt/svirt-lxc%2F${stack}%2FLibvirtService%2Flab:${JSON.stringify({ network, subnet, subnet6 })}`;
const same: Edit = (text) => text;
const wants = { subnet6: SUBNET6 };
/** With IPv6, as it is wanted. */
const ipv6 = {
  store: swap('"10.213.0.0/20"}', `"10.213.0.0/20","subnet6":"${SUBNET6}"}`),
  networks: ipv6Network(),
  firewall: ipv6Firewall,
  "network-rules": both(ipv6Filter(), ipv6Table),
};
const defineAnew = ["stop-network", "remove-network", "define-network", "autostart-network", "start-network"];
const theirs = withoutElement("metadata");
const unclaimed = without(/claims\/libvirt/);
const networkGone = (text: string) => text.slice(0, text.indexOf("@net Name:           svirt-lxc"));
const noRules = (text: string) => text.replace(/(?<=^@ruleset\n).*/ms, "");
/** With a container's interface that has the guest filter. */
const filtered = (isolated: string) =>
  added(`/sys/class/net/vnet9/brport/isolated:${isolated}`, "/run/libvirt/nwfilter-binding/vnet9.xml");
/** With the rules that libvirt makes of it. */
const bridge = (verdict: string) =>
  added(
    "table bridge nat {",
    "chain PREROUTING {",
    "type filter hook prerouting priority dstnat; policy accept;",
    `iifname "vnet9" counter ${verdict}`,
    "}",
    "chain libvirt-I-vnet9 {",
    "ether saddr != 02:00:0a:d5:00:09 counter drop",
    "}",
    "}",
  );
const chains = (table: string, hook: string, ...rules: string[]) =>
  added(
    `table ${table} {`,
    `chain ${hook} {`,
    `type filter hook ${hook} priority filter; policy drop;`,
    ...rules,
    "}",
    "}",
  );
const idle = swap(/^(ActiveState|UnitFileState)=.*$/gm, "$1=");
/** A Fedora host with the packages that ours lack names of, and these units of libvirt. */
const fedora = (
  units: Record<string, [file: string, active: string]>,
  packages: readonly string[] = FEDORA.packages,
) => {
  const shown = Object.entries(units).map(([id, [file, is]]) => `Id=${id}\nActiveState=${is}\nUnitFileState=${file}\n`);
  const release = 'ID=fedora\nVERSION_ID=44\nPRETTY_NAME="Fedora Linux 44"';
  return { system: says(["@os", release, "@packages", ...packages, "@units", shown.join("\n")].join("\n")) };
};
const modular: Record<string, [file: string, active: string]> = {
  "virtlxcd.service": ["enabled", "inactive"],
  "virtlxcd.socket": ["enabled", "active"],
  "virtnetworkd.socket": ["enabled", "active"],
  "virtnwfilterd.socket": ["enabled", "active"],
};
const stopped = { system: idle, networks: says("") };
const bare = {
  store: says(""),
  networks: says(""),
  firewall: noRules,
  system: both(without(/^(libvirt-.*|dnsmasq-base|nftables|systemd-container)$/), idle),
  libvirt: (text: string) => text.replace(/(?<=@lxc\.conf\n).*/s, ""),
};
const os = (lines: string) => ({ system: swap(/^PRETTY_NAME.*?(?=^@packages)/ms, lines) });

plans(libvirtService, libvirtInputs, [
  [
    // What the package brings in lxc.conf is not known yet; it is set in the next round.
    "from nothing",
    { host: bare },
    [
      "claim-libvirt",
      "install-packages libvirt-daemon-driver-lxc libvirt-daemon-system libvirt-clients dnsmasq-base nftables systemd-container",
      "start-libvirt",
    ],
  ],
  ["converged", {}, []],
  [
    "Fedora, from nothing",
    { host: { ...bare, ...fedora({}, ["nftables"]) } },
    [
      "claim-libvirt",
      "install-packages libvirt-daemon-driver-lxc libvirt-daemon-driver-nwfilter libvirt-client container-selinux policycoreutils dnsmasq iproute systemd-container openssh-clients procps-ng e2fsprogs",
      "start-libvirt",
    ],
  ],
  ["Fedora, whose virtlxcd has ended, since nobody needed it", { host: fedora({ ...modular }) }, []],
  [
    "Fedora, fresh after the installation: presets enable, and do not start",
    { host: fedora({ ...modular, "virtlxcd.socket": ["enabled", "inactive"] }) },
    ["start-libvirt"],
  ],
  [
    "Fedora with a libvirtd that others use: it serves the same driver",
    {
      host: fedora({
        ...modular,
        "virtlxcd.socket": ["enabled", "inactive"],
        "virtnetworkd.socket": ["disabled", "inactive"],
        "virtnwfilterd.socket": ["disabled", "inactive"],
        "libvirtd.socket": ["enabled", "active"],
        "libvirtd.service": ["enabled", "inactive"],
      }),
    },
    [],
  ],
  [
    "a network that someone made just as declared, to be adopted",
    { host: { networks: without(/svirt:owner/) }, wants: { adopt: true } },
    ["mark-network"],
  ],
  ["a package is missing", { host: { system: without(/^nftables$/) } }, ["install-packages nftables", "start-libvirt"]],
  [
    "libvirt does not run, so that others' domains cannot be seen: lxc.conf is left for when they can",
    { host: { ...stopped, libvirt: without(/^security_/) } },
    ["start-libvirt"],
  ],
  ["libvirt does not run", { host: stopped }, ["start-libvirt"]],
  [
    "the guard of starts is gone",
    { host: { libvirt: swap(/^@guard\n.*?(?=^@unread$)/ms, "@guard\n") } },
    ["install-guard", "restart-libvirt"],
  ],
  [
    "the guard has another label, with which no container would start",
    { host: { libvirt: swap(":svirt_lxc_guard_exec_t:", ":virt_etc_rw_t:") } },
    ["install-guard", "restart-libvirt"],
  ],
  ["the key that signs is gone", { host: { libvirt: without(/^ssh-ed25519/) } }, ["start-signer"]],
  [
    "something waits to be signed",
    { host: { libvirt: swap("there\n@guard", "waiting\nthere\n@guard") } },
    ["start-signer"],
  ],
  [
    "a container was started past the guard",
    { host: { libvirt: swap("@unread\n", "unseen web\n@unread\n") } },
    ["restart-libvirt", "mark-unproven"],
  ],
  [
    "lxc.conf was written, and libvirt not restarted",
    { host: { libvirt: swap("@unread\n", "@unread\nyes\n") } },
    ["restart-libvirt"],
  ],
  [
    "udev may change MACs",
    { host: { libvirt: swap("MACAddressPolicy=none", "MACAddressPolicy=persistent") } },
    ["write-udev-link"],
  ],
  [
    "others' domains without a label, for which it was agreed",
    {
      host: { libvirt: without(/^security_require/), domains: both(theirs, withoutElement("seclabel")) },
      wants: { confineOthers: true },
    },
    ["save-lxc-conf", "configure-lxc security_require_confined", "restart-libvirt"],
  ],
  [
    "others' domains without a label, which are confined already",
    { host: { domains: both(theirs, withoutElement("seclabel")) } },
    [],
  ],
  [
    "a domain of ours whose label somebody took away, with lxc.conf",
    { host: { libvirt: without(/^security_require/), domains: withoutElement("seclabel") } },
    ["save-lxc-conf", "configure-lxc security_require_confined", "restart-libvirt"],
  ],
  [
    "lxc.conf has one key otherwise",
    { host: { libvirt: swap(/^security_require_confined = 1$/m, "security_require_confined = 0") } },
    ["save-lxc-conf", "configure-lxc security_require_confined", "restart-libvirt"],
  ],
  [
    "lxc.conf is the package's",
    { host: { libvirt: without(/^security_/) } },
    [
      "save-lxc-conf",
      "configure-lxc security_driver security_default_confined security_require_confined",
      "restart-libvirt",
    ],
  ],
  [
    "the network is gone",
    { host: { networks: networkGone } },
    ["define-network", "autostart-network", "start-network"],
  ],
  ["the network is stopped", { host: { networks: swap(/Active:( +)yes/, "Active:$1no") } }, ["start-network"]],
  [
    "the network does not start at boot",
    { host: { networks: swap(/Autostart:( +)yes/, "Autostart:$1no") } },
    ["autostart-network"],
  ],
  [
    "the network is routed",
    { host: { networks: swap(/(<name>svirt-lxc<[\s\S]*?mode=)'nat'/, "$1'route'") } },
    ["stop-network", "remove-network", "define-network", "autostart-network", "start-network"],
  ],
  [
    "the network has another subnet",
    { host: { networks: swap("address='10.213.0.1'", "address='10.99.0.1'") } },
    ["stop-network", "remove-network", "define-network", "autostart-network", "start-network"],
  ],
  [
    "the network has no domain, as those of the first release",
    { host: { networks: without(/<domain/) } },
    ["stop-network", "remove-network", "define-network", "autostart-network", "start-network"],
  ],
  [
    "the network has an address for everybody",
    { host: { networks: without(/<dnsmasq:option /) } },
    ["stop-network", "remove-network", "define-network", "autostart-network", "start-network"],
  ],
  ["libvirt's firewall rules were flushed", { host: { firewall: noRules } }, ["rewrite-firewall-rules"]],
  [
    "the kernel forwards nothing",
    { host: { firewall: swap("@forwarding 1", "@forwarding 0") } },
    ["enable-forwarding IPv4"],
  ],
  [
    "the rules were flushed, and libvirt is restarted anyway",
    { host: { libvirt: swap("@unread\n", "@unread\nyes\n"), firewall: noRules } },
    ["restart-libvirt"],
  ],
  [
    "the rules were flushed, those of interfaces, too, and the network is stopped",
    { host: { networks: swap(/Active:( +)yes/, "Active:$1no"), firewall: noRules } },
    ["rewrite-firewall-rules", "start-network"],
  ],
  [
    "somebody else's firewall drops what comes in, but for the bridge",
    { host: { firewall: chains("inet filter", "input", "iifname svirt-lxc accept") } },
    [],
  ],
  [
    "networkd may configure the network",
    { host: { libvirt: swap("Unmanaged=yes", "Unmanaged=no") } },
    ["write-networkd-file"],
  ],
  [
    "networkd is told of another bridge",
    {
      host: {
        networks: swap("bridge name='svirt-lxc'", "bridge name='virbr7'"),
        firewall: swap(/svirt-lxc/g, "virbr7"),
      },
    },
    ["write-networkd-file", "write-network-rules"],
  ],
  [
    "the guest filter is gone",
    { host: { "network-rules": without(/nwfilter/) } },
    ["define-guest-filter svirt-lxc-guest"],
  ],
  [
    "somebody changed the guest filter",
    { host: { "network-rules": swap("srcmacaddr='$MAC'", "srcmacaddr='02:00:00:00:00:00'") } },
    ["define-guest-filter svirt-lxc-guest"],
  ],
  ...(
    [
      ["a line less of the rules", without(/rules\.nft:.*ip saddr != /)],
      ["another way to load them", without(/load:rm -f loaded/)],
      ["others are loaded", without(/^@loaded/)],
      ["they are not loaded at boot", swap("UnitFileState=enabled", "UnitFileState=disabled")],
      ["their unit is not active", swap("ActiveState=active", "ActiveState=inactive")],
      ["their unit is another one", without(/service:Before=/)],
      ["a restart of nftables would leave them out", without(/nftables\.service\.d/)],
      ["systemd has not read their unit", swap("NeedDaemonReload=no", "NeedDaemonReload=yes")],
      ["the host does not answer for containers", swap("svirt-lxc/proxy_arp_pvlan:1", "svirt-lxc/proxy_arp_pvlan:0")],
      ["the host will not answer after a boot", without(/sysctl\.d/)],
      ["all of it is gone", without(/networks|svirt-lxc-network|sysctl\.d/)],
    ] as [string, Edit][]
  ).map(([what, edit]): [string, { host: Edits }, string[]] => [
    `the network's packet filter: ${what}`,
    { host: { "network-rules": edit } },
    ["write-network-rules"],
  ]),
  [
    "the rules of an interface's filter were flushed",
    { host: { "network-rules": filtered("1"), firewall: bridge("accept") } },
    ["rewrite-firewall-rules"],
  ],
  [
    "the rules of an interface's filter are there",
    { host: { "network-rules": filtered("1"), firewall: bridge("jump libvirt-I-vnet9") } },
    [],
  ],
  [
    "all was flushed",
    { host: { "network-rules": without(/^@loaded/), firewall: noRules } },
    ["write-network-rules", "rewrite-firewall-rules"],
  ],
  [
    "a port is isolated no more",
    { host: { "network-rules": filtered("0"), firewall: bridge("jump libvirt-I-vnet9") } },
    ["isolate-ports vnet9"],
  ],
  [
    "IPv6 besides",
    { wants },
    ["claim-libvirt", "define-guest-filter svirt-lxc-guest-ipv6", "write-network-rules", ...defineAnew],
  ],
  ["IPv6, converged", { host: ipv6, wants }, []],
  [
    "IPv6 no more: its filter is left for the end",
    { host: ipv6 },
    ["claim-libvirt", "write-network-rules", ...defineAnew],
  ],
  [
    "another subnet of IPv6",
    { host: ipv6, wants: { subnet6: "fd42::/64" } },
    ["claim-libvirt", "write-network-rules", ...defineAnew],
  ],
  ["IPv6 without NAT", { host: { ...ipv6, networks: ipv6Network("") }, wants }, defineAnew],
  ["libvirt's rules of IPv6 were flushed", { host: { ...ipv6, firewall: same }, wants }, ["rewrite-firewall-rules"]],
  [
    "the kernel forwards no IPv6",
    { host: { ...ipv6, firewall: both(ipv6Firewall, swap("@forwarding 1", "@forwarding 1\n@forwarding6 0")) }, wants },
    ["enable-forwarding IPv6"],
  ],
  [
    "somebody changed the filter of IPv6",
    { host: { ...ipv6, "network-rules": both(ipv6Filter("<filter/>"), ipv6Table) }, wants },
    ["define-guest-filter svirt-lxc-guest-ipv6"],
  ],
  ["the claim is lost", { host: { store: unclaimed } }, ["claim-libvirt"]],
  ["another stack shares the network", { host: { store: added(claimOf("prod", "svirt-lxc", "10.213.0.0/20")) } }, []],
  ["another stack has another network", { host: { store: added(claimOf("prod", "prod", "10.214.0.0/24")) } }, []],
]);

test("a network that is defined anew keeps the reservations that lie in it", () => {
  const more = "$1<host mac='02:00:00:00:00:01' name='db' ip='10.213.1.7'/>\n";
  const host = { networks: swap(/( *<host mac.*\n)/, more) };
  const { observed, desired } = given(libvirtService, libvirtInputs, { host, wants: { subnet: "10.213.0.0/24" } });
  const { stdin } = libvirtService.plan(observed, desired).find((s) => s.id === "define-network")!;
  expect(stdin).toContain('ip="10.213.0.2"');
  expect(stdin).not.toContain("10.213.1.7");
});

test("what is written to lxc.conf has the keys, and the rest as it was", () => {
  const host = { libvirt: without(/^security_/) };
  const { observed, desired } = given(libvirtService, libvirtInputs, { host });
  const written = libvirtService.plan(observed, desired).find((s) => s.id === "configure-lxc")!.stdin!;
  expect(missing(written)).toEqual([]);
  expect(written.startsWith(observed.host!.lxcConf.trimEnd())).toBe(true);
});

refusals(libvirtService, libvirtInputs, [
  [
    "Debian 12",
    { host: os('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n') },
    ["unsupported-host", /Debian 13 or later/, /README/],
  ],
  [
    "RHEL 9",
    { host: os('PRETTY_NAME="Red Hat Enterprise Linux 9.4"\nVERSION_ID="9.4"\nID="rhel"\nID_LIKE="fedora"\n') },
    ["unsupported-host", /without the LXC driver/, /README/],
  ],
  [
    "a distribution never tried",
    { host: os('PRETTY_NAME="Ubuntu 24.04 LTS"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n') },
    ["unsupported-host", /Debian .* and Fedora/, /README/],
  ],
  ["one that says nothing of itself", { host: os("") }, ["unsupported-host", /Debian .* and Fedora/, /README/]],
  [
    "another's domain without a label, which lxc.conf would confine",
    { host: { libvirt: without(/^security_require/), domains: both(theirs, withoutElement("seclabel")) } },
    ["unlabelled-domains", /none: web$/, /confineOthers: true/],
  ],
  [
    "another's domain that wants no label",
    {
      host: {
        libvirt: without(/^security_require/),
        domains: both(theirs, swap(/ *<seclabel.*?<\/seclabel>\n/s, "<seclabel type='none'/>\n")),
      },
    },
    ["unlabelled-domains", /none: web$/, /confineOthers: true/],
  ],
  [
    "another stack that wants another subnet",
    { host: { store: added(claimOf("prod", "svirt-lxc", "10.1.0.0/16")) } },
    ["subnet-in-use", /svirt-lxc\/prod\/LibvirtService\/lab wants 10.1.0.0\/16, this one 10.213.0.0\/20/, /agree/],
  ],
  [
    "another stack that wants no IPv6",
    { host: { store: added(claimOf("prod", "svirt-lxc", "10.213.0.0/20")) }, wants },
    ["subnet-in-use", /lab wants 10.213.0.0\/20, this one 10.213.0.0\/20 and fd42:1:2:3::\/64/, /agree/],
  ],
  ["a network that is not ours", { host: { networks: without(/svirt:owner/) } }, ["not-ours", /mark/, /another name/]],
  [
    "a network that is someone else's",
    { host: { networks: swap(">svirt-lxc</svirt:owner>", ">someone</svirt:owner>") } },
    ["not-ours", /belongs to someone/, /another name/],
  ],
  [
    "the same, to be adopted, but it is another one",
    {
      host: {
        networks: both(
          without(/svirt:owner/),
          swap("mode='nat'", "mode='route'"),
          swap("255.255.240.0", "255.255.0.0"),
        ),
      },
      wants: { adopt: true },
    },
    [
      "not-adoptable",
      /subnet: "10.213.0.0\/16" on the host.*\nforward: "route" on the host, "nat" declared/,
      /as it is/,
    ],
  ],
]);

refusals(libvirtService, libvirtInputs, [
  [
    "somebody else's firewall drops DHCP",
    { host: { firewall: chains("inet filter", "input", "iifname svirt-lxc udp dport 53 accept") } },
    [
      "firewall-blocks-dhcp",
      /^the chain input of the table inet filter drops DHCP of svirt-lxc$/,
      /nft insert rule inet filter input iifname svirt-lxc udp dport 67 accept$/,
    ],
  ],
  [
    "somebody else's firewall drops DNS",
    { host: { firewall: chains("inet filter", "input", "iifname svirt-lxc udp dport 67 accept") } },
    [
      "firewall-blocks-dns",
      /drops DNS of svirt-lxc$/,
      /iifname svirt-lxc meta l4proto '\{ tcp, udp }' th dport 53 accept$/,
    ],
  ],
  [
    "somebody else's firewall forwards nothing",
    { host: { firewall: chains("inet filter", "forward", "ct state established accept") } },
    [
      "firewall-blocks-forward",
      /the chain forward of the table inet filter drops forwarded traffic/,
      /iifname svirt-lxc accept/,
    ],
  ],
  [
    "all of it, on a host without a network yet",
    {
      host: {
        networks: networkGone,
        firewall: both(noRules, chains("inet filter", "input"), chains("inet filter", "forward")),
      },
    },
    ["firewall-blocks-dhcp", /DHCP.*\n.*DNS.*\n.*forwarded/, /dport 67.*\n.*dport 53.*\n.*iifname.*\n.*oifname/],
  ],
]);

test("what a refresh names of the firewall", () => {
  const named = (firewall: Edit) => {
    const { observed, desired } = given(libvirtService, libvirtInputs, { host: { firewall } });
    return libvirtService.actualInputs(observed, desired).firewall;
  };
  expect(named((text) => text)).toBe("ready");
  expect(named(noRules)).toBe("missing: forward, masquerade, input, guest-rules");
  const { observed, desired } = given(libvirtService, libvirtInputs, { host: { "network-rules": says("") } });
  expect(libvirtService.actualInputs(observed, desired).firewall).toBe("missing: guest-filter, isolation");
  expect(named(chains("inet f", "forward"))).toBe("forward dropped by inet f forward");
  expect(named(both(noRules, swap("@forwarding 1", "@forwarding 0")))).toBe(
    "missing: forwarding, forward, masquerade, input, guest-rules",
  );
});

const files = ["remove-network-rules", "remove-networkd-file"];
const network = ["stop-network", "remove-network", ...files];
const config = [
  "restore-lxc-conf",
  "remove-guest-filter svirt-lxc-guest",
  "restart-libvirt",
  "remove-udev-link",
  "remove-units",
  "remove-guard",
  "remove-signer",
  "remove-parent-slice",
];
// Containers are removed before.
const empty = without(/^\.\/(slots|roots)\//);
removals(libvirtService, libvirtInputs, [
  [
    "the last claim, but a container was kept",
    { host: { store: both(without(/^\.\/roots\//), swap('"name":"web"}', '"name":"web","retain":true}')) } },
    ["release-libvirt"],
  ],
  ["the last claim, but there is a container, which no state has any more", {}, [...network, "release-libvirt"]],
  ["the last claim", { host: { store: empty } }, [...network, ...config, "release-libvirt"]],
  [
    "the last claim, with IPv6",
    { host: { ...ipv6, store: both(empty, ipv6.store) }, wants },
    [
      ...network,
      ...config.flatMap((id) => (id.startsWith("remove-guest") ? [`${id}-ipv6`, id] : [id])),
      "release-libvirt",
    ],
  ],
  [
    "a stopped network",
    { host: { store: empty, networks: swap(/Active:( +)yes/, "Active:$1no") } },
    ["remove-network", ...files, ...config, "release-libvirt"],
  ],
  [
    "another stack uses the network",
    { host: { store: added(claimOf("prod", "svirt-lxc", "10.213.0.0/20")) } },
    ["release-libvirt"],
  ],
  [
    "another stack uses another network",
    { host: { store: both(empty, added(claimOf("prod", "prod", "10.214.0.0/24"))) } },
    [...network, "release-libvirt"],
  ],
  [
    "a network that is not ours",
    { host: { store: empty, networks: without(/svirt:owner/) } },
    [...files, ...config, "release-libvirt"],
  ],
  [
    "the network is gone already",
    { host: { store: empty, networks: networkGone } },
    [...files, ...config, "release-libvirt"],
  ],
  [
    "the claim is not ours",
    { host: { store: both(unclaimed, added(claimOf("prod", "svirt-lxc", "10.213.0.0/20"))) } },
    [],
  ],
  ["all is gone already", { host: { ...bare } }, []],
]);

const down = (edits: Edits = {}) =>
  libvirtService.parse(
    new Map([...recorded({ store: empty, ...edits }), ["networks", { exit: 69, stdout: "", stderr: "error" }]]),
    libvirtInputs,
  );

test("libvirt runs without its LXC driver, which was installed meanwhile: it is started anew", () => {
  expect(idsOf(libvirtService.plan(down(), libvirtInputs))).toEqual(["start-libvirt"]);
});

test("removed while libvirt is down: it is started first, since it may have the network", () => {
  const steps = libvirtService.remove(down(), libvirtInputs);
  expect(steps.map((step) => step.argv)).toEqual([["systemctl", "restart", "libvirtd.service"]]);
});

test("removed where libvirt was never installed: it has no network, and its unit need not be there", () => {
  const steps = libvirtService.remove(down({ system: without(/^libvirt-daemon-/) }), libvirtInputs);
  const unfiltered = config.filter((id) => id !== "remove-guest-filter svirt-lxc-guest");
  expect(idsOf(steps)).toEqual([...files, ...unfiltered, "release-libvirt"]);
  expect(steps.find((step) => step.id === "restart-libvirt")?.argv.join(" ")).toContain("0|5)");
});

test("outputs and what a refresh names", () => {
  const { observed, desired } = given(libvirtService, libvirtInputs, {});
  expect(libvirtService.exists(observed, desired)).toBe(true);
  const evidenceKey = expect.stringMatching(/^ssh-ed25519 AAAA[^ ]+$/);
  expect(libvirtService.outputs(observed, desired)).toEqual({ gateway: "10.213.0.1", evidenceKey });
  expect(libvirtService.actualInputs(observed, desired)).toEqual({
    subnet: "10.213.0.0/20",
    firewall: "ready",
  });
});

test("the daemons that a host uses are started and restarted, and no others", () => {
  const host = fedora({ ...modular, "virtlxcd.socket": ["enabled", "inactive"] });
  const { observed, desired } = given(libvirtService, libvirtInputs, { host });
  expect(libvirtService.plan(observed, desired).map((step) => step.argv.at(-1))).toEqual([
    "systemctl enable virtlxcd.service virtnetworkd.socket virtnwfilterd.socket && systemctl start virtlxcd.socket virtnetworkd.socket virtnwfilterd.socket && systemctl restart virtlxcd.service virtnetworkd.service virtnwfilterd.service",
  ]);
});
