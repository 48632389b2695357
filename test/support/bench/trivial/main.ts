import * as pulumi from "@pulumi/pulumi";

/**
 * Dynamic resources that do nothing, in the shape of this project's: components, parents and dependencies are the same. Like
 * ours, they bring the text of their provider, which costs the engine less than to have it made of a closure.
 */

const SOURCE = `
exports.handler = () => ({
  check: async (olds, news) => ({ inputs: news, failures: [] }),
  diff: async (id, olds, news) => ({ changes: olds.value !== news.value }),
  create: async (inputs) => ({ id: "trivial", outs: inputs }),
  update: async (id, olds, news) => ({ outs: news }),
  read: async (id, props) => ({ id, props }),
  delete: async () => {},
});
`;

class Trivial extends pulumi.CustomResource {
  constructor(name: string, value: pulumi.Input<unknown>, opts: pulumi.CustomResourceOptions) {
    super("pulumi-nodejs:dynamic/trivial:Trivial", name, { value, __provider: SOURCE }, opts);
  }
}

class Group extends pulumi.ComponentResource {
  constructor(name: string) {
    super("trivial:index:Group", name);
    this.registerOutputs({});
  }
}

const host = new Group("host");
const prepared: Trivial[] = [];
for (const name of ["store", "enforcing", "policy", "libvirt"])
  prepared.push(new Trivial(name, "1", { parent: host, dependsOn: prepared.slice(-1) }));
const image = new Trivial("image", "1", { parent: host, dependsOn: prepared });
for (let i = 0; i < new pulumi.Config().requireNumber("containers"); i++) {
  const container = new Group(`c${i}`);
  const root = new Trivial(`root${i}`, "1", { parent: container, dependsOn: [...prepared, image] });
  new Trivial(`domain${i}`, root.id, { parent: container });
}
