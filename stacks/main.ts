import * as pulumi from "@pulumi/pulumi";
import { LxcContainer, LxcHost, type LxcImage } from "../index.ts";
import { CONFIG_KEYS, type Config, ConfigError, parseConfig } from "./config.ts";
import { SSH_CONFIG, writeSshConfig } from "./ssh-config.ts";

const config = new pulumi.Config();
const declared = read();

const hosts = Object.fromEntries(
  Object.entries(declared.hosts).map(([name, { ssh, sshConfig, ...network }]) => [
    name,
    new LxcHost(name, { ...network, connection: { ssh, sshConfig } }),
  ]),
);

// An image is made on each host that has a container of it.
const images = new Map<string, LxcImage>();
for (const { host, image } of Object.values(declared.containers)) {
  const name = `${host}-${image}`;
  if (!images.has(name)) images.set(name, hosts[host]!.image(name, declared.images[image]!));
}

const made = Object.entries(declared.containers).map(([name, { host, image, rootPasswordSecret, ...settings }]) => {
  const container = new LxcContainer(name, {
    ...settings,
    host: hosts[host]!,
    image: images.get(`${host}-${image}`)!,
    rootPassword: rootPasswordSecret === undefined ? undefined : config.requireSecret(rootPasswordSecret),
  });
  return { name, host, container };
});

/** By name: its host, address, the distinct labels of its processes, its ssh host key, the verdict, and how to log in. */
export const containers = Object.fromEntries(
  made.map(({ name, host, container: { address, labels, verdict, hostKey } }) => [
    name,
    { host, address, labels, hostKey, verdict, ssh: `ssh -F ${SSH_CONFIG} ${name}` },
  ]),
);

// Outputs that are not known yet, in a preview, leave the files as they are.
const reachable = made.map(({ name, host, container: { address, hostKey } }) =>
  pulumi.output({ name, connection: hosts[host]!.connection, address, hostKey }),
);
pulumi.all(reachable).apply((all) => writeSshConfig(pulumi.getStack(), all, process.cwd()));

/** The configuration, or one message that names every mistake. */
function read(): Config {
  try {
    const known = Object.fromEntries(CONFIG_KEYS.map((key) => [key, config.getObject(key)]));
    return parseConfig(config.name, known);
  } catch (error) {
    // A RunError is shown without a stack.
    throw error instanceof ConfigError ? new pulumi.RunError(error.message) : error;
  }
}
