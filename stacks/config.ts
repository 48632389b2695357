import { z } from "zod";
import { connectionFields } from "../provider/host/connection.ts";
import { nameSchema } from "../provider/resources/common.ts";
import { parseMemory } from "../provider/tools/memory.ts";

/** The project's configuration: the same for every environment, which is a stack. */
export type Config = z.output<typeof schema>;

const name = z.string().min(1);

const host = z.strictObject({
  ...connectionFields,
  network: z.string().optional(),
  subnet: z.string().optional(),
});

const image = z.strictObject({
  archive: z.string().optional(),
  hostArchive: z.string().optional(),
  sha256: z.string().optional(),
});

const container = z.strictObject({
  host: name,
  image: name,
  memory: z
    .string()
    .refine((text) => parseMemory(text) !== undefined, "must be a whole number of KiB, MiB or GiB, such as 512MiB")
    .optional(),
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
  rebuild: z.string().optional(),
});

const schema = z
  .strictObject({
    hosts: z.record(nameSchema, host).default({}),
    images: z.record(nameSchema, image).default({}),
    containers: z.record(nameSchema, container).default({}),
  })
  .superRefine(({ hosts, images, containers }, context) => {
    for (const [key, { host, image }] of Object.entries(containers)) {
      const defined = (what: "host" | "image", value: string, among: object) => {
        if (value in among) return;
        const known = Object.keys(among).join(", ") || "none";
        context.addIssue({
          code: "custom",
          path: ["containers", key, what],
          message: `"${value}" is not defined under ${what}s, which has: ${known}`,
        });
      };
      defined("host", host, hosts);
      defined("image", image, images);
    }
  });

/** The sections of the configuration. */
export const SECTIONS = Object.keys(schema.shape);

/** What is wrong with a configuration, a line each, by path. */
export class ConfigError extends Error {}

/**
 * Checks the configuration as a whole: the sections, and that every other key is a secret that a container names.
 * Throws a ConfigError that names every mistake.
 */
export function parseConfig(project: string, sections: Record<string, unknown>, keys: string[]): Config {
  const parsed = schema.safeParse(sections);
  const lines = (parsed.error?.issues ?? []).flatMap((issue) => explain(project, issue));
  const named = parsed.success ? Object.values(parsed.data.containers).map((c) => c.rootPasswordSecret) : keys;
  for (const key of keys.filter((k) => !SECTIONS.includes(k) && !named.includes(k))) {
    lines.push(
      `  ${project}:${key}: unknown key; allowed are ${SECTIONS.join(", ")}, and secrets that a container names`,
    );
  }
  if (parsed.success && lines.length === 0) return parsed.data;
  throw new ConfigError(
    `the configuration has ${lines.length === 1 ? "a mistake" : `${lines.length} mistakes`}:\n${lines.join("\n")}`,
  );
}

function explain(project: string, issue: z.core.$ZodIssue): string[] {
  const at = (path: PropertyKey[]) => `  ${project}:${path.map(String).join(".")}`;
  if (issue.code === "unrecognized_keys") {
    const allowed = Object.keys(shapeAt(issue.path)).filter((key) => key !== "rootPassword");
    return issue.keys.map((key) => `${at([...issue.path, key])}: unknown key; allowed are ${allowed.join(", ")}`);
  }
  if (issue.code === "invalid_key") return issue.issues.map((i) => `${at(issue.path)}: the name ${i.message}`);
  return [`${at(issue.path)}: ${issue.message}`];
}

function shapeAt([section]: PropertyKey[]): object {
  if (section === undefined) return schema.shape;
  return { hosts: host, images: image, containers: container }[String(section)]?.shape ?? {};
}
