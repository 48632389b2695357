import { spawn } from "node:child_process";
import { execa } from "execa";
import { checkout } from "../../../scripts/setup/paths.ts";
import { nodeEnvironment } from "../../../scripts/state/node.ts";

afterEach(() => {
  delete process.env.NODE_OPTIONS;
});

test("Node starts with the flag that Pulumi's SDK sets later, and with the options of the user", async () => {
  process.env.NODE_OPTIONS = "--title=mine";
  const script = "[new Function('return %IsSmi(1)')(), process.title]";
  const { stdout } = await execa(process.execPath, ["-p", script], { env: nodeEnvironment() });
  expect(stdout).toBe("[ true, 'mine' ]");
});

test("what is seldom used of Pulumi's SDK is read when it is used", async () => {
  const script = `
    const pulumi = require("@pulumi/pulumi");
    const read = () => ["@npmcli/arborist", "typescript", "execa"].map((name) =>
      Object.keys(require.cache).some((file) => file.includes("/node_modules/" + name + "/")));
    const before = read();
    const { LocalWorkspace } = pulumi.automation;
    Promise.all([pulumi.runtime.computeCodePaths(), pulumi.runtime.serializeFunction(() => 4711)]).then(([, { text }]) =>
      console.log(JSON.stringify([before, read(), typeof LocalWorkspace, text.includes("4711")])));`;
  const { stdout } = await execa(process.execPath, ["-e", script], { env: nodeEnvironment(), cwd: checkout });
  expect(JSON.parse(stdout)).toEqual([[false, false, false], [true, true, true], "function", true]);
});

test("a program to whose errors nobody listens any more ends", async () => {
  const script = `
    process.on("uncaughtException", (error) => console.error(error));
    setInterval(() => console.error("still here"), 1);`;
  const child = spawn(process.execPath, ["-e", script], { env: { ...process.env, ...nodeEnvironment() } });
  child.stderr.once("data", () => child.stderr.destroy());
  expect(await new Promise((ended) => child.once("close", ended))).toBe(1);
});
