import { address6Of, gateway6Of, linkLocalOf, subnet6Schema } from "../../../provider/tools/subnet6.ts";

const subnets: [subnet: string, gateway: string, first: string, last: string][] = [
  ["fd42:1:2:3::/64", "fd42:1:2:3::1", "fd42:1:2:3::2", "fd42:1:2:3::ffe"],
  ["fd42:0:0:3::/64", "fd42:0:0:3::1", "fd42:0:0:3::2", "fd42:0:0:3::ffe"],
  ["fd42:1::/64", "fd42:1::1", "fd42:1::2", "fd42:1::ffe"],
  ["fd00::/64", "fd00::1", "fd00::2", "fd00::ffe"],
];
test.each(subnets)("%s", (subnet, gateway, first, last) => {
  expect(subnet6Schema.parse(subnet)).toBe(subnet);
  expect(gateway6Of(subnet)).toBe(gateway);
  expect(gateway6Of(last)).toBe(gateway);
  expect(address6Of(subnet, 0)).toBe(first);
  expect(address6Of(subnet, 4092)).toBe(last);
});

const refused = [
  "",
  "fd42:1:2:3::",
  "fd42:1:2:3::/48",
  "fd42:1:2:3::1/64",
  "fd42:1:2:3:4::/64",
  "fd42:1:2:0::/64",
  "fd42:01:2:3::/64",
  "FD42:1:2:3::/64",
  "fd42:1:2:3:0:0:0:0/64",
  "fd42::3::/64",
  "fd4:1:2:3::/64",
  "fe80::/64",
  "fc00::/64",
  "2001:db8::/64",
  "10.213.0.0/20",
];
test.each(refused)("%j is none, or is written otherwise", (subnet) => {
  expect(subnet6Schema.safeParse(subnet).error?.issues[0]?.message).toMatch(/unique-local .* such as fd42:1:2:3::\/64/);
});

test("the link-local address of a MAC", () => {
  expect(linkLocalOf("02:00:0a:d5:00:02")).toBe("fe80::aff:fed5:2");
  expect(linkLocalOf("02:00:c0:a8:ff:0a")).toBe("fe80::c0ff:fea8:ff0a");
  expect(linkLocalOf("02:00:00:00:00:00")).toBe("fe80::ff:fe00:0");
});
