import * as pulumi from "@pulumi/pulumi";
import { LxcContainer, LxcHost } from "svirt-lxc";

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
}

const config = new pulumi.Config();
const connection = { ssh: config.get("ssh") ?? "alpha" };
const host = new LxcHost("alpha", { connection });
const image = host.image("base", { archive: config.require("archive") });
for (const [name, wish] of Object.entries(config.requireObject<Record<string, Wish>>("containers"))) {
  const { as = name, was = [], rebuild, rootPassword, name: hostName, ...options } = wish;
  const args = { host, image, rebuild, rootPassword, name: hostName };
  new LxcContainer(as, args, { ...options, aliases: was.map((alias) => ({ name: alias })) });
}
