import { createRequire } from "node:module";

/** The version of the engine that is installed or built: that of the SDK. */
export const engineVersion: string = createRequire(import.meta.url)("@pulumi/pulumi/package.json").version;
