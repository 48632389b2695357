import { spawn } from "node:child_process";
import { isDeepStrictEqual } from "node:util";
import { credentials } from "@grpc/grpc-js";
import services from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/engine_pb.js";
import { main } from "@pulumi/pulumi/provider/index.js";

/**
 * What plays the plugin of @pulumi/command, which cannot be had everywhere: it knows command:local:Command, and really runs the
 * commands. Where the plugin leaves a choice, it does as that one does: https://www.pulumi.com/registry/packages/command.
 */
type Properties = Record<string, unknown>;

// How a secret travels (sdk/go/common/resource/properties.go, SigKey).
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

const isSecret = (value: unknown): value is { value: unknown } =>
  typeof value === "object" && value !== null && (value as Properties)[SIGNATURE] === SECRET;

/** A value without the marks of secrets. */
function clear(value: unknown): unknown {
  if (isSecret(value)) return clear(value.value);
  if (Array.isArray(value)) return value.map(clear);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, clear(inner)]));
}

const hasSecret = (value: unknown): boolean =>
  isSecret(value) || (typeof value === "object" && value !== null && Object.values(value).some(hasSecret));

const INPUTS = ["create", "update", "delete", "triggers", "stdin", "environment", "dir", "interpreter", "logging"];

const engine = new services.EngineClient(process.argv.at(-1)!, credentials.createInsecure());

/** Has the engine show what a command prints. */
function show(urn: string, text: string): Promise<unknown> {
  const line = new messages.LogRequest().setSeverity(messages.LogSeverity.INFO).setUrn(urn).setMessage(text);
  return new Promise((shown) => engine.log(line, shown));
}

/** Runs a command; its outputs. */
async function run(urn: string, command: unknown, inputs: Properties): Promise<Properties> {
  const { stdin, environment, dir, interpreter, logging } = clear(inputs) as {
    stdin?: string;
    environment?: Record<string, string>;
    dir?: string;
    interpreter?: string[];
    logging?: string;
  };
  const [program, ...args] = [...(interpreter ?? ["/bin/sh", "-c"]), String(clear(command))];
  const child = spawn(program!, args, { cwd: dir, env: { ...process.env, ...environment } });
  child.stdin.on("error", () => {}); // it does not read to the end
  child.stdin.end(stdin ?? "");
  const texts = { stdout: "", stderr: "" };
  for (const key of ["stdout", "stderr"] as const)
    child[key].setEncoding("utf8").on("data", (text) => {
      texts[key] += text;
    });
  const code = await new Promise((ended) => child.once("close", ended));
  for (const [key, text] of Object.entries(texts))
    if (text !== "" && [undefined, "stdoutAndStderr", key].includes(logging)) await show(urn, text.trimEnd());
  if (code !== 0) throw new Error(`exit status ${code}: running "${clear(command)}":\n${texts.stdout}${texts.stderr}`);
  // What comes of a secret is one.
  const mark = (value: string) => (hasSecret(inputs) ? { [SIGNATURE]: SECRET, value } : value);
  return { ...inputs, stdout: mark(texts.stdout.trimEnd()), stderr: mark(texts.stderr.trimEnd()) };
}

const changed = (olds: Properties, news: Properties) =>
  INPUTS.filter((key) => !isDeepStrictEqual(clear(olds[key]), clear(news[key])));

await main(
  {
    version: "1.2.1",
    diff: async (_id, _urn, olds, news) => {
      const keys = changed(olds, news);
      return { changes: keys.length > 0, replaces: keys.filter((key) => key === "triggers" && !news.update) };
    },
    create: async (urn, inputs) => ({ id: crypto.randomUUID(), outs: await run(urn, inputs.create ?? "", inputs) }),
    update: async (_id, urn, _olds, news) => ({ outs: await run(urn, news.update ?? news.create ?? "", news) }),
    delete: async (_id, urn, props) => {
      if (props.delete) await run(urn, props.delete, props);
    },
  },
  process.argv.slice(2),
);
