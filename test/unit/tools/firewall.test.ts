import { readFileSync } from "node:fs";
import { firewallProblem, parseFirewall } from "../../../provider/tools/firewall.ts";
import { both, type Edit, printed, swap, without } from "../../support/recorded.ts";

/**
 * What libvirt's network needs, and what is in its way, by rule sets as nft 1.1.3 prints them: those of libvirt's two backends,
 * of ufw and of an own table as the tools themselves wrote them, those of Docker 28 and firewalld written by hand.
 */

const FOLDER = new URL("../../fixtures/rulesets/", import.meta.url);
const recorded = (name: string) => readFileSync(new URL(`${name}.txt`, FOLDER), "utf8");
const HEAD = ["@forwarding 1", "@route Iface Destination Gateway", "@route eth0 00000000 0202000A"];
const NFTABLES = '@conf firewall_backend = "nftables"';
const LEGACY = "@legacy nat";
const network = {
  bridge: "svirt-lxc",
  subnet: "10.213.0.0/20",
  gateway: "10.213.0.1",
  active: true,
  filtered: [] as string[],
};
const notYet = { ...network, active: false };
const same: Edit = (text) => text;

const judge = (ruleset: string, of = network, ...more: string[]) =>
  parseFirewall(printed([...HEAD, ...more, "@ruleset", ruleset].join("\n")), of);
const dropped = ({ blocks }: ReturnType<typeof judge>) =>
  blocks.map(({ need, table, chain, tool }) => `${need}: ${table} ${chain} (${tool})`);

const RULES = ["forward", "masquerade", "input"];
const needs: [name: string, ruleset: string, edit: Edit, missing: string[]][] = [
  ["all is there, made by iptables", "iptables", same, []],
  ["all is there, made by nft", "nftables", same, []],
  ["all is there, beside Docker's", "docker-iptables", same, []],
  ["all was flushed", "iptables", () => "", RULES],
  [
    "all was flushed, and others' rules are back",
    "docker-nftables",
    swap(/table ip6? libvirt_network[\s\S]*/, ""),
    RULES,
  ],
  ["the chains were emptied (iptables -F)", "iptables", without(/svirt-lxc|10\.213/), RULES],
  ["nft's chains were emptied", "nftables", without(/svirt-lxc|10\.213/), ["forward", "masquerade"]],
  ["nothing leads to the chains any more (iptables -F FORWARD)", "iptables", without(/jump LIBVIRT_FW/), ["forward"]],
  ["nothing leads to the chain of the host itself", "iptables", without(/jump LIBVIRT_INP/), ["input"]],
  ["the table of NAT was flushed", "iptables", without(/masquerade/), ["masquerade"]],
  ["nft's NAT is gone", "nftables", without(/masquerade/), ["masquerade"]],
  ["DHCP is not let in", "iptables", without(/udp dport 67/), ["input"]],
  ["nothing is let out", "iptables", without(/saddr.*accept/), ["forward"]],
  ["nothing is let back", "nftables", without(/daddr.*accept/), ["forward"]],
  [
    "they let out by one interface only, as the network was made",
    "iptables",
    swap('iifname "svirt-lxc" counter accept', 'iifname "svirt-lxc" oifname "wan" counter accept'),
    [],
  ],
  ["they are of another network", "iptables", swap(/svirt-lxc/g, "virbr0"), ["forward", "input"]],
  ["they are of another subnet", "nftables", swap(/10\.213\.0\.0/g, "10.99.0.0"), ["forward", "masquerade"]],
  ["they are of a bridge that is no more", "nftables", swap(/iif "svirt-lxc"/g, "iif 7"), ["forward"]],
  [
    "what iptables says is not translated",
    "iptables",
    both(swap("ct state related,established", 'xt match "conntrack"'), swap(/masquerade.*/g, 'xt target "MASQUERADE"')),
    [],
  ],
];
test.each(needs)("what is missing: %s", (_, name, edit, missing) => {
  expect(judge(edit(recorded(name)))).toEqual({ missing, blocks: [] });
});

test("nothing is missing that cannot be seen, or is not to be there yet", () => {
  expect(judge("", notYet)).toEqual({ missing: [], blocks: [] });
  expect(judge("", network, LEGACY).missing).toEqual([]);
  expect(judge("", network, '@conf firewall_backend = "none"').missing).toEqual([]);
  expect(parseFirewall(printed("@forwarding 1\n"), network)).toEqual({ missing: [], blocks: [] });
});

test("libvirt's nftables backend lets nothing in, and needs not", () => {
  expect(judge("", network, NFTABLES).missing).toEqual(["forward", "masquerade"]);
});

test("the kernel must forward, once there is a network", () => {
  const off = printed(`@forwarding 0\n@ruleset\n${recorded("iptables")}`);
  expect(parseFirewall(off, network).missing).toEqual(["forwarding"]);
  expect(parseFirewall(off, notYet).missing).toEqual([]);
});

/** With what libvirt writes for IPv6, in words that are those for IPv4. */
const with6 = (name: string): string => {
  const text = recorded(name);
  const of4 = text.split(/^(?=table )/m).filter((table) => /^table ip /.test(table));
  const of6 = of4
    .join("")
    .replaceAll("table ip ", "table ip6 ")
    .replaceAll(/\bip (?=[sd]addr)/g, "ip6 ");
  return (
    text.replace(/^table ip6 [^}]*(?:}[^}]*)*?^}\n/gm, "") + of6.replaceAll(/10\.213\.0\.0\/20/g, "fd42:1:2:3::/64")
  );
};
const network6 = { ...network, subnet6: "fd42:1:2:3::/64" };
const needs6: [name: string, ruleset: string, edit: Edit, missing: string[]][] = [
  ["all is there, made by iptables", "iptables", same, []],
  ["all is there, made by nft", "nftables", same, []],
  ["its addresses are let out no more", "nftables", without(/ip6 saddr.*accept/), ["forward-ipv6"]],
  ["nothing is let back", "iptables", without(/ip6 daddr.*accept/), ["forward-ipv6"]],
  ["it is of another subnet", "nftables", swap(/fd42:1:2:3::/g, "fd42:1:2:4::"), ["forward-ipv6", "masquerade-ipv6"]],
  ["there is no NAT of it", "nftables", without(/ip6 saddr.*masquerade/), ["masquerade-ipv6"]],
  [
    "its tables were flushed, those of iptables",
    "iptables",
    (text) => text.replace(/table ip6 .*/s, ""),
    ["forward-ipv6", "masquerade-ipv6", "input-ipv6"],
  ],
  [
    "its tables were flushed, that of nft",
    "nftables",
    (text) => text.replace(/table ip6 .*/s, ""),
    ["forward-ipv6", "masquerade-ipv6"],
  ],
];
test.each(needs6)("what is missing of IPv6: %s", (_, name, edit, missing) => {
  // With libvirt told, it is known which of the two it is.
  const backend = name === "nftables" ? [NFTABLES] : [];
  expect(judge(edit(with6(name)), network6, ...backend)).toEqual({ missing, blocks: [] });
  expect(judge(edit(with6(name)), network, ...backend)).toEqual({ missing: [], blocks: [] });
});

test("nothing of IPv6 is missing that cannot be seen; the kernel must forward it", () => {
  expect(judge(recorded("iptables").replace(/table ip6 .*/s, ""), network6, "@legacy6 nat").missing).toEqual([]);
  expect(judge(with6("iptables"), network6, "@forwarding6 0").missing).toEqual(["forwarding-ipv6"]);
  expect(judge(with6("iptables"), network, "@forwarding6 0").missing).toEqual([]);
});

test("counters, handles and what a set holds change nothing", () => {
  const busy = recorded("iptables").replaceAll("counter", "counter packets 7 bytes 420");
  expect(judge(busy)).toEqual(judge(recorded("iptables")));
});

const base = (hook: string, policy: string, ...rules: string[]) =>
  `table inet filter {\n\tset mine {\n\t\ttype ifname\n\t}\n\n\tchain allow {\n\t\taccept\n\t}\n\n\tchain refuse {\n\t\tdrop\n\t}\n\n\tchain ${hook} {\n\t\ttype filter hook ${hook} priority filter; policy ${policy};\n${rules.map((r) => `\t\t${r}\n`).join("")}\t}\n}\n`;
const withOwn = (more: string) => `${recorded("nftables")}${more}`;
const input = (...rules: string[]) => withOwn(base("input", "drop", ...rules));
const forward = (...rules: string[]) => withOwn(base("forward", "drop", ...rules));
const DHCP = "dhcp: inet filter input (nft)";
const DNS = "dns: inet filter input (nft)";
const FORWARD = "forward: inet filter forward (nft)";
const SAFE = "ct state established,related accept";

const ways: [name: string, ruleset: string, expected: string[]][] = [
  ["libvirt's own rules drop what they should", recorded("nftables"), []],
  ["Docker drops what it does not know", recorded("docker-nftables"), ["forward: ip filter FORWARD (docker)"]],
  ["Docker, but libvirt's rules come first", recorded("docker-iptables"), []],
  [
    "Docker, opened one way only: what comes back is dropped",
    swap(
      "chain DOCKER-USER {\n",
      'chain DOCKER-USER {\n\t\tiifname "svirt-lxc" counter accept\n',
    )(recorded("docker-nftables")),
    ["forward: ip filter FORWARD (docker)"],
  ],
  [
    "Docker, opened as we say",
    swap(
      "chain DOCKER-USER {\n",
      'chain DOCKER-USER {\n\t\tiifname "svirt-lxc" counter accept\n\t\toifname "svirt-lxc" ct state related,established counter accept\n',
    )(recorded("docker-nftables")),
    [],
  ],
  [
    "ufw, as it comes",
    withOwn(recorded("ufw")),
    ["dhcp: ip filter INPUT (ufw)", "dns: ip filter INPUT (ufw)", "forward: ip filter FORWARD (ufw)"],
  ],
  [
    "ufw, opened as we say",
    withOwn(
      both(
        swap("chain ufw-user-forward {\n", 'chain ufw-user-forward {\n\t\tiifname "svirt-lxc" counter accept\n'),
        swap(
          "chain ufw-user-input {\n",
          'chain ufw-user-input {\n\t\tiifname "svirt-lxc" udp dport 67 counter accept\n\t\tiifname "svirt-lxc" udp dport 53 counter accept\n',
        ),
      )(recorded("ufw")),
    ),
    [],
  ],
  [
    "firewalld that has the bridge in no zone of its own: what its zone lets out is let out",
    withOwn(recorded("firewalld")),
    ["dhcp: inet firewalld filter_INPUT (firewalld)", "dns: inet firewalld filter_INPUT (firewalld)"],
  ],
  [
    "firewalld with the bridge in libvirt's zone",
    withOwn(
      swap(
        "chain filter_INPUT_ZONES {\n",
        'chain libvirt {\n\t\tudp dport { 53, 67 } accept\n\t}\n\n\tchain filter_INPUT_ZONES {\n\t\tiifname "svirt-lxc" goto libvirt\n',
      )(recorded("firewalld")),
    ),
    [],
  ],
  ["an own table that lets in ssh, web and a list of addresses", withOwn(recorded("inet")), [DHCP, FORWARD]],
  ["a policy of accept", withOwn(base("input", "accept", SAFE)), []],
  ["a last rule that drops", withOwn(base("input", "accept", SAFE, "drop")), [DHCP, DNS]],
  [
    "a last rule that rejects",
    withOwn(base("forward", "accept", SAFE, "reject with icmpx admin-prohibited")),
    [FORWARD],
  ],
  ["a table that is switched off", `table inet off {\n\tflags dormant\n${base("input", "drop").slice(20)}`, []],
  ["a table of IPv6", withOwn(base("input", "drop").replace("inet", "ip6")), []],
  ["the bridge is let in", input('iifname "svirt-lxc" accept'), []],
  ["bridges of such names are let in", input('iifname "svirt*" accept'), []],
  ["one of several interfaces", input('iifname { "lo", "svirt-lxc" } accept'), []],
  ["all but one interface", input('iifname != "eth0" accept'), []],
  ["only another interface", input('iifname "eth1" accept'), [DHCP, DNS]],
  ["DHCP and DNS from everywhere", input("udp dport { 53, 67 } accept"), []],
  ["DHCP by its client's port", input("udp sport 68 udp dport 67 accept"), [DNS]],
  ["ports in a range", input("meta l4proto udp th dport 53-67 accept"), []],
  ["DNS of the subnet: who asks for an address has none yet", input("ip saddr 10.213.0.0/20 accept"), [DHCP]],
  ["DNS of one container", input("ip saddr 10.213.0.7 accept", "udp dport 67 accept"), []],
  ["DNS of another subnet", input("ip saddr 192.168.0.0/16 accept", "udp dport 67 accept"), [DNS]],
  ["broadcasts are let in", input("fib daddr type broadcast accept"), [DNS]],
  ["what is held in a set cannot be told", input("iifname @mine accept"), []],
  ["a limit: it cannot be told", input("limit rate 3/second accept"), []],
  ["a mark: it cannot be told", input("meta mark 0x1 accept"), []],
  ["a program decides", input("queue to 0"), []],
  ["a set of pairs: it cannot be told", input('iifname . udp dport { "eth0" . 67 } accept'), []],
  ["a map by interface", input('iifname vmap { "eth0" : drop, "svirt-lxc" : jump allow }'), []],
  ["a map by interface that refuses", input('iifname vmap { "svirt-lxc" : goto refuse }', "accept"), [DHCP, DNS]],
  [
    "a map by state says nothing of a new packet",
    input("ct state vmap { established : accept, invalid : drop }"),
    [DHCP, DNS],
  ],
  ["a map that cannot be told", input("iifname vmap @zones"), []],
  ["a chain that returns", input("jump refuse", "accept"), [DHCP, DNS]],
  ["a comment that says accept, a log that says so", input('log prefix "accept " comment "accept"'), [DHCP, DNS]],
  ["both ways are open", forward('iifname "svirt-lxc" accept', 'oifname "svirt-lxc" accept'), []],
  ["only the way back is open", forward(SAFE), [FORWARD]],
  ["both ways are open, by subnet", forward("ip saddr 10.213.0.0/20 accept", SAFE), []],
  ["the way to the uplink is open", forward('oifname "eth0" accept', SAFE), []],
  ["the way to another interface is open", forward('oifname "wg0" accept', SAFE), [FORWARD]],
  ["only ping is let out", forward("meta l4proto icmp accept", "icmp type echo-request accept", SAFE), [FORWARD]],
  [
    "only a proxy can be reached: that is somebody's will",
    forward("ip daddr 192.0.2.9 tcp dport 3128 accept", SAFE),
    [],
  ],
  ["what was translated is let through", forward("ct status dnat accept", SAFE), [FORWARD]],
];
test.each(ways)("what is in the way: %s", (_, ruleset, expected) => {
  expect(dropped(judge(ruleset))).toEqual(expected);
});

test("before libvirt has written its rules, what it is going to open is not in the way", () => {
  const alien = swap(/table ip6? libvirt_network[\s\S]*/, "")(recorded("docker-nftables"));
  expect(dropped(judge(alien, notYet))).toEqual([]);
  expect(dropped(judge(alien, network))).toEqual([]);
  expect(dropped(judge(alien, notYet, NFTABLES))).toEqual(["forward: ip filter FORWARD (docker)"]);
  expect(dropped(judge(recorded("firewalld"), notYet))).toEqual([]);
  expect(dropped(judge(recorded("inet"), notYet))).toEqual([DHCP, FORWARD]);
});

const remedies: [tool: string, ruleset: string, commands: string[]][] = [
  [
    "Docker",
    recorded("docker-nftables"),
    [
      "iptables -I DOCKER-USER -i svirt-lxc -j ACCEPT",
      "iptables -I DOCKER-USER -o svirt-lxc -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    ],
  ],
  [
    "ufw",
    withOwn(recorded("ufw")),
    [
      "ufw allow in on svirt-lxc to any port 67 proto udp",
      "ufw allow in on svirt-lxc to any port 53",
      "ufw route allow in on svirt-lxc",
    ],
  ],
  [
    "firewalld",
    withOwn(recorded("firewalld")),
    ["firewall-cmd --permanent --zone=libvirt --add-interface=svirt-lxc", "firewall-cmd --reload"],
  ],
  [
    "iptables",
    withOwn("table ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}\n"),
    [
      "iptables -I INPUT -i svirt-lxc -p udp --dport 67 -j ACCEPT",
      "iptables -I INPUT -i svirt-lxc -p udp --dport 53 -j ACCEPT",
      "iptables -I INPUT -i svirt-lxc -p tcp --dport 53 -j ACCEPT",
    ],
  ],
  [
    "nft",
    withOwn(without(/@admins/)(recorded("inet"))),
    [
      "nft insert rule inet filter input iifname svirt-lxc udp dport 67 accept",
      "nft insert rule inet filter input iifname svirt-lxc meta l4proto '{ tcp, udp }' th dport 53 accept",
      "nft insert rule inet filter forward iifname svirt-lxc accept",
      "nft insert rule inet filter forward oifname svirt-lxc ct state established,related accept",
    ],
  ],
];
test.each(remedies)("the commands that open it: %s", (_, ruleset, commands) => {
  const { remedy = "" } = firewallProblem(judge(ruleset), "svirt-lxc")!;
  expect(remedy.split("\n").slice(1)).toEqual(commands);
});
