import * as pulumi from "@pulumi/pulumi";
import { LxcContainer, LxcHost, LxcStore } from "svirt-lxc";

interface Wish {
  /** Name of the component. */
  as?: string;
  /** Names that it had. */
  was?: string[];
  protect?: boolean;
  retainOnDelete?: boolean;
  rebuild?: string;
  rootPassword?: string;
  /** Name on the host. */
  name?: string;
  adopt?: boolean;
  /** Where retainOnDelete comes from, if not from its own options. */
  retainedBy?: "parent" | "grandparent" | "transformation" | "transform";
}

const config = new pulumi.Config();
const ssh = config.get("ssh") ?? "alpha";
// What it is called is known when a resource of this program has been made.
const made = config.getBoolean("made") ? new LxcStore("machine", { connection: { ssh } }).path : undefined;
const connection = { ssh: made?.apply(() => ssh) ?? ssh };
const hostAs = config.get("hostAs");
const host = new LxcHost(hostAs ?? "alpha", { connection }, { aliases: hostAs ? [{ name: "alpha" }] : [] });
// A program that waits for what never comes: Node ends it, without an error.
const never = config.getBoolean("ends") ? new Promise<pulumi.Resource[]>(() => {}) : [];
const image = host.image("base", { archive: config.require("archive") }, { dependsOn: never });
const retained = { retainOnDelete: true };
const retain = ({ props, opts }: pulumi.ResourceTransformArgs) => ({ props, opts: { ...opts, ...retained } });
const component = (name: string, opts: pulumi.ComponentResourceOptions) =>
  new pulumi.ComponentResource("acme:index:Group", name, {}, opts);
const sources = {
  parent: (name) => ({ parent: component(`${name}-group`, retained) }),
  grandparent: (name) => ({ parent: component(`${name}-inner`, { parent: component(`${name}-outer`, retained) }) }),
  transformation: () => ({
    transformations: [({ props, opts }) => ({ props, opts: { ...opts, ...retained } })],
  }),
  transform: (name) => ({ parent: component(`${name}-group`, { transforms: [retain] }) }),
} satisfies Record<string, (name: string) => pulumi.ComponentResourceOptions>;
for (const [name, wish] of Object.entries(config.requireObject<Record<string, Wish>>("containers"))) {
  const { as = name, was = [], rebuild, rootPassword, name: hostName, retainedBy, adopt, ...options } = wish;
  const args = { host, image, rebuild, rootPassword, name: hostName, adopt };
  new LxcContainer(as, args, {
    ...options,
    ...(retainedBy && sources[retainedBy](name)),
    aliases: was.map((alias) => ({ name: alias })),
  });
}
