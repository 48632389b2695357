/**
 * What state holds of a resource's code: the text of a module that loads the real one when it is called. So the state holds
 * no code to speak of, and old states run today's. The module is found by name from the program's folder, where the provider
 * process runs: in this repository (a package may load itself) as well as in someone else's node_modules.
 *
 * Pulumi's dynamic provider calls the module's `handler` (cmd/dynamic-provider in its SDK). It would also serialize closures
 * into such a text, which takes it longer than all the rest of a resource, and with other words in each of its versions.
 *
 * It is short because it stands in the inputs and the outputs of every resource: what the engine does with a resource takes as
 * long as its properties are.
 */
export function providerSource(token: string): string {
  return `exports.handler = () => process.getBuiltinModule("node:module").createRequire(process.cwd() + "/")("svirt-lxc/provider").providers[${JSON.stringify(token)}];\n`;
}
