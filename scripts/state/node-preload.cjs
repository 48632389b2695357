// Loaded before the program and the provider. Pulumi's SDK sets this flag of V8 in the middle of loading, in each of them
// at another moment, and code that was compiled under other flags does not count: Node would compile anew what it has cached.
require("node:v8").setFlagsFromString("--allow-natives-syntax");

// The engine ends a provider by force, before Node would write what it compiled.
setTimeout(require("node:module").flushCompileCache, 1000).unref();
