import { z } from "zod";

/*
 * The IPv6 subnet of a network, and the addresses in it. All of them are in the form of RFC 5952, which is how ip(8), nft(8) and
 * libvirt print them.
 */

/** A unique-local subnet (RFC 4193): no router outside sends anything to it. */
export const subnet6Schema = z
  .string()
  .refine(isUniqueLocal, "must be a unique-local IPv6 subnet in its shortest form, such as fd42:1:2:3::/64");

function isUniqueLocal(subnet: string): boolean {
  const [, address = ""] = /^(fd[0-9a-f]{2}(?::[0-9a-f]{1,4}){0,3}::)\/64$/.exec(subnet) ?? [];
  const host = `[${address}]`;
  return URL.canParse(`http://${host}`) && new URL(`http://${host}`).hostname === host;
}

/** The host's own address in a subnet, or in that of an address. */
export function gateway6Of(within: string): string {
  return within.replace(/::[^:]*$/, "::1");
}

/** The address of a slot: the second of the subnet and on, as in that of IPv4. */
export function address6Of(subnet: string, slot: number): string {
  return subnet.replace("::/64", `::${(slot + 2).toString(16)}`);
}

/** The link-local address that the kernel makes of a MAC (RFC 4291, appendix A). Those of containers begin with 02:00. */
export function linkLocalOf(mac: string): string {
  const [, , c, d, e, f] = mac.split(":").map((byte) => Number.parseInt(byte, 16)) as [number, ...number[]];
  const groups = [c! * 256 + 0xff, 0xfe00 + d!, e! * 256 + f!];
  return `fe80::${groups.map((group) => group.toString(16)).join(":")}`;
}
