import * as pulumi from "@pulumi/pulumi";

/**
 * The containers of another stack, such as those of `prod`, as another project uses them: here, the lines of a load balancer.
 *
 *   pulumi config set containers organization/svirt-lxc/prod
 */
const config = new pulumi.Config();
const other = new pulumi.StackReference(config.require("containers"));

/** Only what was proven confined when that stack was last up gets requests. */
export const backends = other.requireOutput("containers").apply((containers) =>
  Object.entries(containers)
    .filter(([, { verdict }]) => verdict === "confined")
    .map(([name, { host, address }]) => `server ${name}.${host} ${address}:80`),
);
