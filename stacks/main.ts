import { relative } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { LxcContainer, LxcHost, type LxcImage } from "../index.ts";
import { type Config, ConfigError, parseConfig, SECTIONS } from "./config.ts";
import { type Keys, readKeys } from "./keys.ts";
import { openSshConfig, sshCommand, writeSshConfig } from "./ssh-config.ts";

const base = process.cwd();
const stack = pulumi.getStack();
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
const imageOn = (host: string, image: string) => `${host}.${image}`; // neither name has a dot
for (const { host, image } of Object.values(declared.containers)) {
  const name = imageOn(host, image);
  if (!images.has(name)) images.set(name, hosts[host]!.image(name, declared.images[image]!));
}

// Containers may talk to each other, whichever is declared first.
const addresses = new Map(
  Object.keys(declared.containers).map((name) => {
    const [own, resolve] = pulumi.deferredOutput<string[]>();
    return [name, { own, resolve }];
  }),
);

const made = Object.entries(declared.containers).map(
  ([name, { host, image, rootPasswordSecret, authorizedKeys, users, files, provision, talksTo, ...settings }]) => {
    const at = `${config.name}:containers.${name}`;
    const keys = readOwnKeys(`${at}.authorizedKeys`, authorizedKeys);
    const container = new LxcContainer(name, {
      ...settings,
      authorizedKeys: keys?.authorized,
      host: hosts[host]!,
      image: images.get(imageOn(host, image))!,
      rootPassword: secret(rootPasswordSecret),
      users: mapValues(users, (user, id) => ({
        ...user,
        authorizedKeys: readOwnKeys(`${at}.users.${id}.authorizedKeys`, user.authorizedKeys)?.authorized,
      })),
      files: mapValues(files, ({ content, contentSecret, ...file }) => ({
        ...file,
        content: secret(contentSecret) ?? content!,
      })),
      provision: provision?.map(({ run, stdinSecret }) => ({ run, stdin: secret(stdinSecret) })),
      identities: keys?.identities.map((file) => relative(base, file)),
      talksTo: talksTo?.map((other) => addresses.get(other)?.own ?? other),
    });
    addresses.get(name)!.resolve(container.reservedAddresses);
    return { name, host, container, identities: keys?.identities ?? [] };
  },
);

/** By name: its host, address (and that of IPv6), the distinct labels of its processes, its ssh host key, the verdict, and how to log in. */
export const containers = Object.fromEntries(
  made.map(({ name, host, container: { address, address6, labels, verdict, hostKey } }) => [
    name,
    { host, address, ...(address6 && { address6 }), labels, hostKey, verdict, ssh: sshCommand(stack, name) },
  ]),
);

/** By name: the public half of the key with which a host signs what is found of its containers. */
export const evidenceKeys = Object.fromEntries(
  Object.entries(hosts).map(([name, { evidenceKey }]) => [name, evidenceKey]),
);

const upgraded = Object.entries(hosts).flatMap(([name, { needsReboot }]) => (needsReboot ? [[name, needsReboot]] : []));
/** By name, of the hosts that are upgraded: whether a reboot was needed after the last upgrade. */
export const needsReboot = Object.fromEntries(upgraded);

openSshConfig(
  stack,
  made.map(({ name }) => name),
  base,
);
// Outputs that are not known yet, in a preview, or never will be, since it failed, leave its files as they are.
for (const { name, host, identities, container } of made) {
  const { address, hostKey } = container;
  pulumi
    .output({ name, connection: hosts[host]!.connection, address, hostKey, identities })
    .apply((known) => writeSshConfig(stack, known, base));
}

/** The keys that are given, and nothing if none are. */
function readOwnKeys(path: string, entries: string[] | undefined): Keys | undefined {
  return entries && asRunError(() => readKeys(path, entries, base));
}

function mapValues<T, U>(values: Record<string, T> | undefined, change: (value: T, key: string) => U) {
  return values && Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value, key)]));
}

/** A secret by its name: one that stood in an object of the configuration would be in the checkpoint in clear. */
function secret(name: string | undefined): pulumi.Output<string> | undefined {
  return name === undefined ? undefined : config.requireSecret(name);
}

function read(): Config {
  const prefix = `${config.name}:`;
  const own = (keys: string[]) => keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  const keys = own(Object.keys(pulumi.runtime.allConfig()));
  // What the SDK has to say of it is not for programs.
  const encrypted = own(JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS || "[]"));
  const values = SECTIONS.map((key) => [key, config.getObject(key)]);
  return asRunError(() => parseConfig(config.name, Object.fromEntries(values), keys, encrypted));
}

/** A mistake in the configuration is one message without a stack. */
function asRunError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof ConfigError ? new pulumi.RunError(error.message) : error;
  }
}
