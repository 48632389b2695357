import { networkXml, parseNetworks } from "../../../provider/tools/network.ts";
import { ipv6Network } from "../../support/ipv6.ts";
import { type Edit, printed, recordedOutcome, says, swap, without } from "../../support/recorded.ts";

const parse = (edit?: Edit) => parseNetworks(recordedOutcome("networks", edit));
const web = { mac: "02:00:0a:d5:00:02", name: "web", ip: "10.213.0.2" };
const recorded = {
  name: "svirt-lxc",
  subnet: "10.213.0.0/20",
  bridge: "svirt-lxc",
  active: true,
  autostart: true,
  owner: "svirt-lxc",
  forward: "nat",
  domain: "svirt-lxc.internal",
  reservedOnly: true,
  reservations: [web],
};

test("the recorded networks: libvirt's own, and ours", () => {
  expect([...parse().values()]).toEqual([
    {
      name: "default",
      subnet: "192.168.122.0/24",
      bridge: "virbr0",
      active: false,
      autostart: false,
      owner: undefined,
      forward: "nat",
      domain: undefined,
      reservedOnly: false,
      reservations: [],
    },
    recorded,
  ]);
});

test("none at all, as before libvirt is installed", () => {
  expect(parse(says("")).size).toBe(0);
});

const changes: [name: string, edit: Edit, change: object][] = [
  ["stopped", swap(/Active:( +)yes/, "Active:$1no"), { active: false }],
  ["not at boot", swap(/Autostart:( +)yes/, "Autostart:$1no"), { autostart: false }],
  ["not ours", without(/svirt:owner/), { owner: undefined }],
  ["routed", swap("mode='nat'", "mode='route'"), { forward: "route" }],
  ["isolated", without(/<forward/), { forward: "none" }],
  ["without a domain", without(/<domain/), { domain: undefined }],
  ["asking others for names of its domain", swap(" localOnly='yes'", ""), { domain: undefined }],
  ["with addresses for everybody", without(/<dnsmasq:option /), { reservedOnly: false }],
  ["of another bridge", swap("bridge name='svirt-lxc'", "bridge name='virbr7'"), { bridge: "virbr7" }],
  ["without a reservation", without(/<host/), { reservations: [] }],
  [
    "with two reservations",
    swap(/( *<host mac.*\n)/, "$1<host mac='02:00:00:00:00:01' name='db' ip='10.213.0.3'/>\n"),
    { reservations: [web, { mac: "02:00:00:00:00:01", name: "db", ip: "10.213.0.3" }] },
  ],
  ["of a /29", swap("netmask='255.255.240.0'", "netmask='255.255.255.248'"), { subnet: "10.213.0.0/29" }],
  ["with IPv6", ipv6Network(), { subnet6: "fd42:1:2:3::/64", nat6: true }],
  ["with IPv6 that is routed", ipv6Network(""), { subnet6: "fd42:1:2:3::/64" }],
  [
    "with IPv6 of which the host has another address",
    ipv6Network("<nat ipv6='yes'/>", "fd42:1:2:3::5"),
    { subnet6: "fd42:1:2:3::5/64", nat6: true },
  ],
  ["of a high subnet", swap("address='10.213.0.1'", "address='203.0.113.1'"), { subnet: "203.0.112.0/20" }],
];
test.each(changes)("ours, %s", (_, edit, change) => {
  expect(parse(edit).get("svirt-lxc")).toEqual({ ...recorded, ...change });
});

const specs: [name: string, subnet: string, subnet6: string | undefined][] = [
  ["both", "10.213.0.0/20", "fd42:1:2:3::/64"],
  ["svirt-lxc", "10.213.0.0/20", undefined],
  ["a", "10.0.0.0/16", undefined],
  ["prod-network-15", "192.168.200.8/29", undefined],
  ["high", "240.0.0.0/24", undefined],
];
test.each(specs)("what is defined as %s is read as it", (name, subnet, subnet6) => {
  const xml = networkXml({ name, subnet, subnet6 }, "svirt-lxc");
  expect(xml).toContain('<dnsmasq:option value="dhcp-ignore=tag:!known"/>');
  const found = parseNetworks(printed(`@net Active: no\n@xml ${xml}\n`)).get(name);
  expect(found).toEqual({
    name,
    subnet,
    bridge: name,
    active: false,
    autostart: false,
    owner: "svirt-lxc",
    forward: "nat",
    domain: `${name}.internal`,
    reservedOnly: true,
    reservations: [],
    ...(subnet6 && { subnet6, nat6: true }),
  });
});

test("reservations that are defined are read again", () => {
  const db = { mac: "02:00:00:00:00:01", name: "db", ip: "10.213.0.3" };
  const elsewhere = { ...db, ip: "10.213.16.3" };
  const found = (reservations: (typeof web)[]) => {
    const xml = networkXml({ name: "n", subnet: "10.213.0.0/20" }, "o", reservations);
    return parseNetworks(printed(`@net Active: no\n@xml ${xml}\n`)).get("n")!.reservations;
  };
  expect(found([web])).toEqual([web]);
  expect(found([web, db])).toEqual([web, db]);
  expect(found([web, elsewhere])).toEqual([web]);
});

test("its bridge, the host's address and the range of DHCP", () => {
  const xml = networkXml({ name: "prod", subnet: "10.0.0.0/29" }, "svirt-lxc");
  expect(xml).toContain(`<bridge name="prod"`);
  expect(xml).toContain(`<ip address="10.0.0.1" netmask="255.255.255.248">`);
  expect(xml).toContain(`<range start="10.0.0.2" end="10.0.0.6"/>`);
  expect(xml).toContain(`<forward mode="nat"/>`);
  expect(xml).toContain(`<domain name="prod.internal" localOnly="yes"/>`);
});
