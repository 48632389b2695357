/*
 * Ethernet frames, as a container's root may make them up, in hex. Each carries a mark, which listen.pl knows it by.
 */

/** Of an interface: its hardware address, and one of IPv4 or IPv6. */
export interface Station {
  mac: string;
  ip: string;
}

export const BROADCAST = "ff:ff:ff:ff:ff:ff";
/** All of a link, for IPv6. */
export const ALL_NODES: Station = { mac: "33:33:00:00:00:01", ip: "ff02::1" };

/** ARP: "ip is at mac", as an answer to one, or as a question to all. */
export function arp(op: "request" | "reply", from: Station, to: Station, mark: string, by = from.mac): string {
  const hardware = op === "request" ? "00:00:00:00:00:00" : to.mac;
  const target = op === "request" ? BROADCAST : to.mac;
  const payload = [
    bytes(0, 1, 8, 0, 6, 4, 0, op === "request" ? 1 : 2),
    mac(from.mac),
    ip(from.ip),
    mac(hardware),
    ip(to.ip),
  ];
  return ethernet(target, by, 0x0806, [...payload, marked(mark)]);
}

/** A datagram of UDP. */
export function udp(from: Station & { port?: number }, to: Station & { port?: number }, mark: string): string {
  const data = marked(mark);
  const length = 8 + data.length;
  const header = bytes(...word(from.port ?? 4000), ...word(to.port ?? 4000), ...word(length), 0, 0);
  if (to.ip.includes(":")) return ipv6(17, from, to, Buffer.concat([header, data]), 6);
  return ethernet(to.mac, from.mac, 0x0800, [ipv4(17, from.ip, to.ip, length), header, data]);
}

/** An answer of DHCP to whoever asked: only its ports count here. */
export function dhcpOffer(from: Station, mark: string): string {
  return udp({ ...from, port: 67 }, { mac: BROADCAST, ip: "255.255.255.255", port: 68 }, mark);
}

/** A router advertisement of IPv6 (RFC 4861) to all nodes. */
export function routerAdvertisement(from: Station, mark: string): string {
  return ipv6(58, from, ALL_NODES, Buffer.concat([bytes(134, 0, 0, 0, 64, 0, 7, 8), Buffer.alloc(8), option(mark)]), 2);
}

/** The same of a neighbour: the target is at the sender's MAC. */
export function neighbourAdvertisement(from: Station, to: Station, target: string, mark: string): string {
  const flags = bytes(136, 0, 0, 0, 0x20, 0, 0, 0);
  return ipv6(58, from, to, Buffer.concat([flags, ip(target), bytes(2, 1), mac(from.mac), option(mark)]), 2);
}

/** A redirect: what is for the target is to be sent to the sender. */
export function redirect(from: Station, to: Station, target: string, mark: string): string {
  return ipv6(58, from, to, Buffer.concat([bytes(137, 0, 0, 0, 0, 0, 0, 0), ip(from.ip), ip(target), option(mark)]), 2);
}

/** Of a protocol that nobody uses (IEEE 802, local experimental). */
export function unknown(from: Station, mark: string): string {
  return ethernet(BROADCAST, from.mac, 0x88b5, [marked(mark)]);
}

/** The same frame in a VLAN. */
export function tagged(frame: string): string {
  return `${frame.slice(0, 24)}81000005${frame.slice(24)}`;
}

function ethernet(to: string, from: string, type: number, payload: Buffer[]): string {
  return Buffer.concat([mac(to), mac(from), bytes(...word(type)), ...payload]).toString("hex");
}

/** `at`: where the payload has its checksum. */
function ipv6(protocol: number, from: Station, to: Station, payload: Buffer, at: number): string {
  const addresses = Buffer.concat([ip(from.ip), ip(to.ip)]);
  const length = word(payload.length);
  payload.writeUInt16BE(checksum(Buffer.concat([addresses, bytes(0, 0, ...length, 0, 0, 0, protocol), payload])), at);
  return ethernet(to.mac, from.mac, 0x86dd, [bytes(0x60, 0, 0, 0, ...length, protocol, 255), addresses, payload]);
}

function ipv4(protocol: number, from: string, to: string, length: number): Buffer {
  const header = Buffer.concat([
    bytes(0x45, 0, ...word(20 + length), 0, 0, 0, 0, 64, protocol, 0, 0),
    ip(from),
    ip(to),
  ]);
  header.writeUInt16BE(checksum(header), 10);
  return header;
}

/** RFC 1071. */
function checksum(data: Buffer): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += 2) sum += data[i]! * 256 + (data[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const marked = (mark: string) => Buffer.from(`[mark ${mark}]`.padEnd(46));
/** An option of neighbour discovery that nobody knows, and that is passed over (RFC 4727). */
const option = (mark: string) => Buffer.concat([bytes(253, 6), marked(mark)]);
const mac = (text: string) => Buffer.from(text.replaceAll(":", ""), "hex");
const ip = (text: string) => (text.includes(":") ? ip6(text) : Buffer.from(text.split(".").map(Number)));
const bytes = (...values: number[]) => Buffer.from(values);
const word = (value: number) => [value >> 8, value & 255];

function ip6(text: string): Buffer {
  const [before = [], after = []] = text.split("::").map((half) => half.split(":").filter(Boolean));
  const groups = [...before, ...Array(8 - before.length - after.length).fill("0"), ...after];
  return Buffer.from(groups.map((group) => group.padStart(4, "0")).join(""), "hex");
}
