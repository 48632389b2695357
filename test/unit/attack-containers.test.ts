import { attackedText, type Tried } from "../../provider/attacks/attack-containers.ts";
import { auditCommand } from "../../provider/audit-command.ts";

const tried = (more: Partial<Tried>): Tried => ({
  id: "clock",
  what: "sets the clock",
  gain: "the time",
  result: "refused EPERM",
  nested: "refused EPERM",
  gotThrough: false,
  ...more,
});

test.each([
  ["refused", {}, "✓ sets the clock: refused EPERM"],
  ["through", { result: "succeeded", gotThrough: true }, "✗ sets the clock: succeeded: an attacker has the time"],
  [
    "through by a namespace",
    { nested: "succeeded", gotThrough: true },
    "✗ sets the clock: succeeded, in a user namespace of its own making: an attacker has the time",
  ],
  [
    "stated",
    { result: "succeeded", gotThrough: true, stated: "it is its own" },
    "! sets the clock: succeeded (it is its own)",
  ],
])("an attack is told of: %s", (_, more, line) => {
  const found = { host: "alpha", container: "web", held: true, attacks: [tried(more)] };
  expect(attackedText([found])).toBe(`web on alpha: holds\n  ${line}`);
});

test("what holds, what does not, and what was not attacked are told apart", () => {
  const on = { host: "alpha", attacks: [] };
  const text = attackedText([
    { ...on, container: "web", held: false, attacks: [tried({})] },
    { ...on, container: "db", held: false, left: "it has no file" },
  ]);
  expect(text.split("\n")).toEqual([
    "web on alpha: DOES NOT HOLD",
    "  ✓ sets the clock: refused EPERM",
    "",
    "db on alpha: not attacked",
    "  it has no file",
  ]);
});

/** A state with a container that was never made. */
const state = JSON.stringify({
  deployment: {
    resources: [{ type: "pulumi-nodejs:dynamic/svirt-lxc:LxcDomain", inputs: { name: "web" }, outputs: {} }],
  },
});
const audit = (...args: string[]) => auditCommand(args, { command: "audit", exportStack: async () => state });

test("what is wrong with the question is told", async () => {
  await expect(audit("dev", "--attack")).rejects.toThrow("the state knows no address and host key of web");
  await expect(audit("dev", "db", "--attack")).rejects.toThrow("the stack dev has no container db");
  await expect(audit("dev", "--identity", "key")).rejects.toThrow(/--identity is for --attack/);
});
