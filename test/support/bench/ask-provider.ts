import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";

/**
 * node ask-provider.ts PROPERTIES: starts a process of the dynamic provider, as the engine does, has it check a resource with these
 * properties (JSON), and prints the milliseconds until it has answered.
 */

const pulumi = createRequire(createRequire(import.meta.url).resolve("@pulumi/pulumi"));
const { ResourceProviderClient } = pulumi("./proto/provider_grpc_pb.js");
const { CheckRequest } = pulumi("./proto/provider_pb.js");
const { Struct } = pulumi("google-protobuf/google/protobuf/struct_pb.js");
const { credentials } = pulumi("@grpc/grpc-js");

const request = new CheckRequest();
const properties = Struct.fromJavaScript(JSON.parse(process.argv[2]!));
request.setOlds(properties);
request.setNews(properties);

const began = performance.now();
const provider = spawn(process.execPath, [pulumi.resolve("./cmd/dynamic-provider"), "127.0.0.1:1"], {
  stdio: ["ignore", "pipe", "inherit"],
});
const [port] = await once(provider.stdout, "data");
const client = new ResourceProviderClient(`127.0.0.1:${String(port).trim()}`, credentials.createInsecure());
const failure = await new Promise((done) => client.check(request, done));
console.log(performance.now() - began);
provider.kill("SIGKILL");
client.close();
if (failure) throw failure;
