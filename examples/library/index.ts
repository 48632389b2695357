import * as pulumi from "@pulumi/pulumi";
import { LxcContainer, LxcHost } from "svirt-lxc";

/**
 * One host and one container. Beside this project as `pulumi new typescript` makes it:
 *
 *   npm install ./svirt-lxc-0.1.0.tgz                  # from `npm run pack` in svirt-lxc's checkout
 *   pulumi config set ssh root@alpha.example           # as one would type it after ssh
 *   pulumi config set archive images/debian.tar        # a root file system
 *   pulumi config set --secret password                # asks for it
 *   pulumi up
 */
const config = new pulumi.Config();
const host = new LxcHost("alpha", { connection: { ssh: config.require("ssh") } });
const image = host.image("base", { archive: config.require("archive") });
const web = new LxcContainer("web", {
  host,
  image,
  memory: "256MiB",
  rootPassword: config.requireSecret("password"),
});

export const verdict = web.verdict;
