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
}

const config = new pulumi.Config();
const connection = { ssh: config.get("ssh") ?? "alpha" };
const host = new LxcHost("alpha", { connection });
const image = host.image("base", { archive: config.require("archive") });
for (const [name, wish] of Object.entries(config.requireObject<Record<string, Wish>>("containers"))) {
  const { as = name, was = [], rebuild, ...options } = wish;
  new LxcContainer(as, { host, image, rebuild }, { ...options, aliases: was.map((alias) => ({ name: alias })) });
}
