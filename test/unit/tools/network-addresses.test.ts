import { SLOTS } from "../../../provider/host/slot.ts";
import { libvirtService } from "../../../provider/resources/libvirt-service/index.ts";
import { addressOf, capacityOf, gatewayOf, networkXml } from "../../../provider/tools/network.ts";

const DEFAULT = libvirtService.schema.shape.subnet!.parse(undefined) as string;

const subnets: [
  subnet: string,
  gateway: string,
  first: string,
  capacity: number,
  last: string,
  range: [string, string],
][] = [
  ["10.213.0.0/20", "10.213.0.1", "10.213.0.2", 4093, "10.213.15.254", ["10.213.0.2", "10.213.15.254"]],
  ["192.168.7.0/24", "192.168.7.1", "192.168.7.2", 253, "192.168.7.254", ["192.168.7.2", "192.168.7.254"]],
  ["10.0.0.8/29", "10.0.0.9", "10.0.0.10", 5, "10.0.0.14", ["10.0.0.10", "10.0.0.14"]],
  ["172.16.0.0/16", "172.16.0.1", "172.16.0.2", 65_533, "172.16.255.254", ["172.16.0.2", "172.16.255.254"]],
  [
    "240.255.255.240/28",
    "240.255.255.241",
    "240.255.255.242",
    13,
    "240.255.255.254",
    ["240.255.255.242", "240.255.255.254"],
  ],
];

test.each(subnets)("%s", (subnet, gateway, first, capacity, last, [start, end]) => {
  expect(gatewayOf(subnet)).toBe(gateway);
  expect(capacityOf(subnet)).toBe(capacity);
  expect(addressOf(subnet, 0)).toBe(first);
  expect(addressOf(subnet, capacity - 1)).toBe(last);
  expect(networkXml({ name: "n", subnet }, "o")).toContain(`<range start="${start}" end="${end}"/>`);
});

const slots: [slot: number, address: string][] = [
  [1, "10.213.0.3"],
  [253, "10.213.0.255"],
  [254, "10.213.1.0"],
  [255, "10.213.1.1"],
  [4092, "10.213.15.254"],
];
test.each(slots)("the address of slot %i", (slot, address) => {
  expect(addressOf("10.213.0.0/20", slot)).toBe(address);
});

test("every slot of a host has an address in the default subnet", () => {
  expect(capacityOf(DEFAULT)).toBeGreaterThanOrEqual(SLOTS);
});

test.each(subnets)("in %s a slot without an address gets none of someone else", (subnet, _, __, capacity) => {
  expect(() => addressOf(subnet, capacity)).toThrow(/subnet|address/);
});
