const Module = require("node:module");

// Loaded before the program and the provider. Pulumi's SDK sets this flag of V8 in the middle of loading, in each of them
// at another moment, and code that was compiled under other flags does not count: Node would compile anew what it has cached.
require("node:v8").setFlagsFromString("--allow-natives-syntax");

// The engine ends a provider by force, before Node would write what it compiled.
setTimeout(Module.flushCompileCache, 1000).unref();

// Pulumi.yaml has Node run the program's TypeScript itself. The language host of a built engine is older (scripts/engine/build.ts)
// and does not read that: ts-node would then be loaded, and rewrite each stack trace that the SDK takes.
process.env.PULUMI_NODEJS_TYPESCRIPT = "false";

// Two thirds of the SDK are there to take functions apart and to run the engine, which nothing here asks of it: they are read
// when they are first used. What maps the lines of stack traces is never used: lines of TypeScript are those that Node runs.
const SELDOM = [
  "@npmcli/arborist",
  "normalize-package-data",
  "typescript",
  "./automation",
  "source-map-support/register",
];
const load = Module._load;
Module._load = function (request, parent, ...rest) {
  const read = () => load.call(this, request, parent, ...rest);
  if (!SELDOM.includes(request) || !parent?.filename?.includes("/@pulumi/pulumi/")) return read();
  const get = (_, name) => {
    if (name === "__esModule") return true; // or the SDK would ask for all names there are, to copy them
    const module = read();
    return name === "default" ? (module.default ?? module) : module[name];
  };
  return new Proxy({}, { get });
};

// A program whose engine was killed would tell of the broken pipe into that pipe, over and over.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => process.exit(1));
