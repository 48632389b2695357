/**
 * What state holds of a resource's code: the text of a module that imports the real one when it is called. So the state holds
 * no code to speak of, and old states run today's. The module is found by name from the program's folder, where the provider
 * process runs: in this repository (a package may import itself) as well as in someone else's node_modules.
 *
 * Pulumi's dynamic provider calls the module's `handler` (cmd/dynamic-provider in its SDK). It would also serialize closures
 * into such a text, which takes it longer than all the rest of a resource, and with other words in each of its versions.
 */
export function providerSource(token: string): string {
  return `
const provider = async () => {
  const { createRequire } = process.getBuiltinModule("node:module");
  const { pathToFileURL } = process.getBuiltinModule("node:url");
  const file = createRequire(process.cwd() + "/").resolve("svirt-lxc/provider");
  return (await import(pathToFileURL(file).href)).providers[${JSON.stringify(token)}];
};
exports.handler = () => ({
  check: async (olds, news) => (await provider()).check(olds, news),
  diff: async (id, olds, news) => (await provider()).diff(id, olds, news),
  create: async (inputs) => (await provider()).create(inputs),
  update: async (id, olds, news) => (await provider()).update(id, olds, news),
  read: async (id, props) => (await provider()).read(id, props),
  delete: async (id, props) => (await provider()).delete(id, props),
});
`.trimStart();
}
