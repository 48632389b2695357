import type { dynamic } from "@pulumi/pulumi";

/**
 * What Pulumi serialises into the state: strings, and an import of the real module when called. The state so holds no code,
 * and old states run today's code. The module is found by name from the program's folder, where the provider process runs:
 * in this repository (a package may import itself) as well as in someone else's node_modules.
 */
export function stub(token: string): dynamic.ResourceProvider {
  const provider = async () => {
    const { createRequire } = process.getBuiltinModule("node:module");
    const { pathToFileURL } = process.getBuiltinModule("node:url");
    const file = createRequire(`${process.cwd()}/package.json`).resolve("svirt-lxc/provider");
    return (await import(pathToFileURL(file).href)).providers[token];
  };
  return {
    check: async (olds, news) => (await provider()).check(olds, news),
    diff: async (id, olds, news) => (await provider()).diff(id, olds, news),
    create: async (inputs) => (await provider()).create(inputs),
    update: async (id, olds, news) => (await provider()).update(id, olds, news),
    read: async (id, props) => (await provider()).read(id, props),
    delete: async (id, props) => (await provider()).delete(id, props),
  };
}
