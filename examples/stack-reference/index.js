import * as pulumi from "@pulumi/pulumi";

/**
 * The containers of another stack, such as those of `prod`, as another project uses them: here, for a proxy on each of their hosts,
 * the lines of its servers. A container's address is one of its host's own network, and is reached from that host.
 *
 *   pulumi config set containers organization/svirt-lxc/prod
 */
const config = new pulumi.Config();
const other = new pulumi.StackReference(config.require("containers"));

/** By host. Only what was proven confined when that stack was last up gets requests. */
export const backends = other.requireOutput("containers").apply((containers) => {
  const lines = {};
  for (const [name, { host, address, verdict }] of Object.entries(containers)) {
    lines[host] ??= [];
    if (verdict === "confined") lines[host].push(`server ${name} ${address}:80`);
  }
  return lines;
});
