import * as pulumi from "@pulumi/pulumi";
import { LxcContainer, LxcHost } from "svirt-lxc";
import { fleet } from "./fleet.ts";

/** The program of each stack: the hosts and containers of the group that it is named after. */
const group = fleet.groups[pulumi.getStack()];
if (!group) throw new Error(`fleet.json has no group ${pulumi.getStack()}`);

const hosts = Object.fromEntries(
  Object.entries(group.hosts).map(([name, ssh]) => {
    const host = new LxcHost(name, { connection: { ssh } });
    return [name, { host, image: host.image(`${name}-base`, { archive: fleet.image }) }];
  }),
);

export const verdicts = Object.fromEntries(
  Object.entries(group.containers).map(([name, { host, ...args }]) => {
    const place = hosts[host];
    if (!place) throw new Error(`fleet.json: the container ${name} is to be on ${host}, which is no host of its group`);
    return [name, new LxcContainer(name, { ...place, ...args }).verdict];
  }),
);
