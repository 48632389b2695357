// Loaded before the program and the provider. Pulumi's SDK sets this flag of V8 in the middle of loading, in each of them
// at another moment, and code that was compiled under other flags does not count: Node would compile anew what it has cached.
require("node:v8").setFlagsFromString("--allow-natives-syntax");
