import { z } from "zod";
import { connectionFields } from "../provider/host/connection.ts";
import { nameSchema } from "../provider/host/name.ts";
import { limitInputs } from "../provider/limits/index.ts";
import { containerNameSchema } from "../provider/resources/common.ts";
import { restartSchema } from "../provider/resources/lxc-domain/index.ts";
import { rebootSchema } from "../provider/resources/selinux-enforcing.ts";
import { sourceInputs } from "../provider/sources/index.ts";
import { reachInputs } from "../provider/tools/network-rules.ts";
import { diskSchema } from "../provider/tools/root-disk.ts";
import { settingInputs } from "../provider/tools/root-settings.ts";

/** The project's configuration: the same for every environment, which is a stack. */
export type Config = z.output<typeof schema>;

const name = z.string().min(1);

const host = z.strictObject({
  ...connectionFields,
  network: z.string().optional(),
  subnet: z.string().optional(),
  subnet6: z.string().optional(),
  adopt: z.boolean().optional(),
  confineOthers: z.boolean().optional(),
  upgrade: z.string().optional(),
  reboot: rebootSchema.optional(),
  troubleshooting: z.boolean().optional(),
});

const image = z.strictObject(sourceInputs);

/** Or the text of `run` alone. */
const command = z.preprocess(
  (value) => (typeof value === "string" ? { run: value } : value),
  z.strictObject({
    run: z.string().min(1),
    /** The name of a secret that is its standard input. */
    stdinSecret: name.optional(),
  }),
);

const user = z.strictObject({
  uid: z.int().optional(),
  groups: z.array(z.string()).optional(),
  shell: z.string().optional(),
  /** Lines of authorized_keys, or files of public keys (*.pub). */
  authorizedKeys: z.array(z.string()).optional(),
});

const file = z
  .strictObject({
    content: z.string().optional(),
    /** The name of a secret that is its content. */
    contentSecret: name.optional(),
    mode: z.string().optional(),
    owner: z.string().optional(),
    group: z.string().optional(),
  })
  .refine(
    ({ content, contentSecret }) => (content === undefined) !== (contentSecret === undefined),
    "needs one of content and contentSecret",
  );

const container = z.strictObject({
  host: name,
  image: name,
  ...limitInputs,
  ...reachInputs,
  /** Names of containers on the same host, or addresses in its network, to which it may open connections. */
  talksTo: z.array(name).optional(),
  restart: restartSchema,
  disk: diskSchema.optional(),
  hostname: nameSchema.optional(),
  /** The name of a secret of the configuration; never the password itself. */
  rootPasswordSecret: name.optional(),
  rootPassword: z
    .undefined(
      "a secret must not stand here, where state would hold it in clear: name it with rootPasswordSecret, and set it with `pulumi config set --secret NAME`",
    )
    .optional(),
  /** Lines of authorized_keys, or files of public keys (*.pub). */
  authorizedKeys: z.array(z.string()).optional(),
  dhcp: z.boolean().optional(),
  units: z.array(z.string()).optional(),
  mask: settingInputs.mask,
  timezone: settingInputs.timezone,
  locale: settingInputs.locale,
  users: z.record(z.string(), user).optional(),
  files: z.record(z.string(), file).optional(),
  rebuild: z.string().optional(),
  adopt: z.boolean().optional(),
  provision: z.array(command).optional(),
});

const schema = z.strictObject({
  hosts: z.record(nameSchema, host).default({}),
  images: z.record(nameSchema, image).default({}),
  containers: z.record(containerNameSchema, container).default({}),
});

/** The sections of the configuration. */
export const SECTIONS = Object.keys(schema.shape);

/** What is wrong with a configuration, a line each, by path. */
export class ConfigError extends Error {}

/**
 * Checks the configuration as a whole: the sections, and that every other key is a secret that a container names, and was
 * set as one. Throws a ConfigError that names every mistake.
 */
export function parseConfig(
  project: string,
  sections: Record<string, unknown>,
  keys: string[],
  encrypted: string[],
): Config {
  const parsed = schema.safeParse(sections);
  const issues = (parsed.error?.issues ?? []).flatMap((issue) => explain(project, issue));
  const lines = [
    ...issues,
    ...undefinedReferences(project, sections),
    ...unreachable(project, sections),
    ...unnamedKeys(project, sections, keys),
    ...secretsInClear(project, sections, keys, encrypted),
  ];
  if (parsed.success && lines.length === 0) return parsed.data;
  const mistakes = lines.length === 1 ? "a mistake" : `${lines.length} mistakes`;
  throw new ConfigError(`the configuration has ${mistakes}:\n${lines.join("\n")}`);
}

/** Hosts and images that containers name and nobody defines. Also when something else is wrong, so the input is anything. */
function undefinedReferences(project: string, sections: Record<string, unknown>): string[] {
  return Object.entries(record(sections.containers)).flatMap(([key, container]) =>
    (["host", "image"] as const).flatMap((what) => {
      const value = record(container)[what];
      const among = record(sections[`${what}s`]);
      if (typeof value !== "string" || Object.hasOwn(among, value)) return [];
      const known = Object.keys(among).join(", ") || "none";
      return [`  ${project}:containers.${key}.${what}: "${value}" is not defined under ${what}s, which has: ${known}`];
    }),
  );
}

/** What containers are to talk to and cannot: a name that nobody has, or that is on another host. */
function unreachable(project: string, sections: Record<string, unknown>): string[] {
  const containers = record(sections.containers);
  return Object.entries(containers).flatMap(([key, container]) => {
    const { talksTo, host } = record(container);
    return (Array.isArray(talksTo) ? talksTo : []).flatMap((other, i) => {
      const at = `  ${project}:containers.${key}.talksTo[${i}]`;
      if (typeof other !== "string" || z.union([z.ipv4(), z.ipv6()]).safeParse(other).success) return [];
      if (!Object.hasOwn(containers, other))
        return [`${at}: "${other}" is not defined under containers; it must be one of them, or an IP address`];
      const where = record(containers[other]).host;
      return where === host ? [] : [`${at}: "${other}" is on the host ${where}, and ${key} is on ${host}`];
    });
  });
}

/** Passwords that were set without --secret, and so stand in clear in a file that is for git. */
function secretsInClear(
  project: string,
  sections: Record<string, unknown>,
  keys: string[],
  encrypted: string[],
): string[] {
  return keys
    .filter((key) => secretsOf(sections).includes(key) && !encrypted.includes(key))
    .map(
      (key) =>
        `  ${project}:${key}: stands in the configuration in clear; set another one with \`pulumi config set --secret ${key}\``,
    );
}

/** Keys that are neither a section nor a secret that a container names: a misspelled section would remove all of its things. */
function unnamedKeys(project: string, sections: Record<string, unknown>, keys: string[]): string[] {
  const secrets = secretsOf(sections);
  const allowed = `${SECTIONS.join(", ")}, and secrets that a container names`;
  return keys
    .filter((key) => !SECTIONS.includes(key) && !secrets.includes(key))
    .map((key) => `  ${project}:${key}: unknown key; allowed are ${allowed}`);
}

/** The names of secrets that containers give, wherever: the values of all keys `…Secret`. */
function secretsOf(sections: Record<string, unknown>): unknown[] {
  const named = (value: unknown): unknown[] =>
    Object.entries(Array.isArray(value) ? value : record(value)).flatMap(([key, inner]) =>
      key.endsWith("Secret") && typeof inner === "string" ? [inner] : named(inner),
    );
  return named(record(sections.containers));
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function explain(project: string, issue: z.core.$ZodIssue): string[] {
  const at = (path: PropertyKey[]) => `  ${project}:${path.map(String).join(".")}`;
  if (issue.code === "unrecognized_keys") {
    const allowed = keysAt(schema, issue.path).filter((key) => key !== "rootPassword");
    return issue.keys.map((key) => `${at([...issue.path, key])}: unknown key; allowed are ${allowed.join(", ")}`);
  }
  if (issue.code === "invalid_key") return issue.issues.map((i) => `${at(issue.path)}: the name ${i.message}`);
  return [`${at(issue.path)}: ${issue.message}`];
}

/** The keys that an object may have which stands at a path below a schema. */
function keysAt(type: unknown, path: readonly PropertyKey[]): string[] {
  if (type instanceof z.ZodOptional || type instanceof z.ZodDefault) return keysAt(type.unwrap(), path);
  if (type instanceof z.ZodPipe) return keysAt(type.out, path); // what is brought into form first
  const [key, ...rest] = path;
  if (type instanceof z.ZodObject)
    return key === undefined ? Object.keys(type.shape) : keysAt(type.shape[String(key)], rest);
  if (type instanceof z.ZodRecord) return keysAt(type.valueType, rest);
  if (type instanceof z.ZodArray) return keysAt(type.element, rest);
  return [];
}
