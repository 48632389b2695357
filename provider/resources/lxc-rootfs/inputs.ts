import { scryptSync } from "node:crypto";
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { Args } from "../../engine/resource.ts";
import { diskSchema } from "../../tools/root-disk.ts";
import type { fileSchema } from "../../tools/root-settings/files.ts";
import { settingInputs } from "../../tools/root-settings.ts";
import { adopt, common, containerNameSchema, retain } from "../common.ts";

export const schema = z.strictObject({
  ...common,
  retain,
  adopt,
  /** Name on the host, unique there. */
  name: containerNameSchema,
  /** sha256 of an image on the same host. A container keeps the image that it was made from until it is rebuilt. */
  image: z.string().regex(/^[0-9a-f]{64}$/, "must be the sha256 of an LxcImage"),
  /** Change it to have the root made anew from the image: everything that was written into it is lost. */
  rebuild: z.string().optional(),
  /** Password of root inside. Set when it is declared or changed; one that was changed inside is left alone. */
  rootPassword: z
    .string()
    .min(1)
    .regex(/^[^\n\0]*$/, "must be one line")
    .optional(),
  /**
   * The most that it may write, in its root altogether: a whole number of MiB or GiB, such as 10GiB. It has an inode for each
   * 16 KiB of it. The host must have that much to promise: its free space, less what other roots may still write, and less 5 %.
   * It can grow while the container runs, and not shrink. Without it, a root is made with 4GiB, and stays as it was made.
   *
   * @default 4GiB
   */
  disk: diskSchema.optional(),
  ...settingInputs,
});
export type Inputs = z.output<typeof schema>;

/** Of a file each part may be an output of its own, such as a secret for its content. */
type FileArgs = z.input<typeof fileSchema>;
export type LxcRootfsArgs = Omit<Args<typeof schema>, "files"> & {
  files?: pulumi.Input<Record<string, pulumi.Input<{ [K in keyof FileArgs]: pulumi.Input<FileArgs[K]> }>>>;
};

/** Slow to compute, so that who reads it cannot try passwords fast; with the name as salt. */
export function hashPassword(password: string, name: string): string {
  return scryptSync(password, name, 32).toString("base64");
}
