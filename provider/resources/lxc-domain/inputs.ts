import { z } from "zod";
import type { Args } from "../../engine/resource.ts";
import { limitInputs } from "../../limits/index.ts";
import { USERLAND } from "../../tools/capabilities.ts";
import type { DomainValues } from "../../tools/domain-parts.ts";
import { macOf } from "../../tools/domain-xml.ts";
import { INIT } from "../../tools/init.ts";
import { parseMemory } from "../../tools/memory.ts";
import type { Reservation } from "../../tools/network.ts";
import { type ContainerRules, reachInputs } from "../../tools/network-rules.ts";
import { partitionOf } from "../../tools/slice.ts";
import { linkLocalOf } from "../../tools/subnet6.ts";
import { adopt, common, containerNameSchema, idMapSchema, retain } from "../common.ts";

/**
 * Whether it is started again when the kernel killed its init for want of memory, or when libvirt's controller of it was killed:
 * five times in ten minutes at most. One that powers itself off, or whose init somebody killed, stays off. Default: "on-failure".
 */
export const restartSchema = z.enum(["on-failure", "never"]).default("on-failure");

export const schema = z.strictObject({
  ...common,
  retain,
  adopt,
  /** Name of the domain, unique on the host. */
  name: containerNameSchema,
  /** The identity of the root: an LxcRootfs's id. With another root it is another container. */
  rootfs: z.string().min(1),
  /** Folder of the root, on the host. */
  path: z.string().startsWith("/", "must be an absolute path on the host"),
  /** Context of every process (static sVirt label): user:role:type:level with two categories. */
  label: z
    .string()
    .regex(/^\w+:\w+:\w+:s0:c\d+,c\d+$/, "must be a context such as system_u:system_r:svirt_lxc_sys_t:s0:c0,c512"),
  /** Range of ids of the host that is mapped to 0 and on inside. */
  idmap: idMapSchema,
  ...limitInputs,
  restart: restartSchema,
  /** The libvirt network that it is in. */
  network: z.string().min(1).default("svirt-lxc"),
  /** IPv4 address that the network's DHCP server keeps for it. */
  address: z.ipv4("must be an IPv4 address"),
  /** IPv6 address that it has besides, and may send from. Its root takes it (LxcRootfs's subnet6). It is restarted when this changes. */
  address6: z.ipv6("must be an IPv6 address").optional(),
  ...reachInputs,
  /** Addresses of the containers of its network to which it may open connections. */
  talksTo: z.array(z.union([z.ipv4(), z.ipv6()], "must be an IP address")).default([]),
  /** A TCP port that must be listened on inside before it counts as up. Default: it is up when it has its address. */
  awaitPort: z.int().min(1).max(65535).optional(),
  /** Counts the changes of the root's settings: it is restarted to have them. */
  revision: z.int().min(0).default(0),
});
export type Inputs = z.output<typeof schema>;

export type LxcDomainArgs = Args<typeof schema>;

/** The definition that it is to have. */
export function specOf(inputs: Inputs): DomainValues {
  const { name, owner, retain, path, label, idmap, network, address, address6, memory, revision, restart } = inputs;
  const mac = macOf(address);
  return {
    ...{ name, owner, retain, label, idmap, network, revision, restart },
    memory: parseMemory(memory)!,
    root: path,
    init: INIT,
    capabilities: USERLAND,
    partition: partitionOf(name),
    mac,
    filteredAddress: address,
    filteredAddresses6: address6 === undefined ? undefined : [address6, linkLocalOf(mac)],
  };
}

/** What a container reaches if nothing is said. */
export const DEFAULT_REACH = { ...z.object(reachInputs).parse({}), talksTo: [] };

/** What it is to reach. */
export function rulesOf({ address, address6, isolated, hostPorts, talksTo, connections }: Inputs): ContainerRules {
  return { address, address6, isolated, hostPorts, talksTo, connections };
}

/** What the DHCP server is to keep for it. */
export function reservationOf({ name, address }: Inputs): Reservation {
  return { mac: macOf(address), ip: address, name };
}
