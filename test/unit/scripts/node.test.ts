import { execa } from "execa";
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
