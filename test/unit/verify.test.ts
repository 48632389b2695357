import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { auditCommand } from "../../provider/audit-command.ts";
import { digestOf } from "../../provider/confinement/statement.ts";
import { verify } from "../../provider/verify.ts";

const checks = [{ what: "kernel", found: "enforcing", faults: [] }];
const statement = {
  _type: "https://in-toto.io/Statement/v1",
  subject: [{ name: "web", digest: { sha256: digestOf(checks) } }],
  predicateType: "urn:svirt-lxc:confinement:1",
  predicate: {
    occasion: "start",
    time: "2026-11-27T14:00:00Z",
    verdict: "confined",
    checks,
    host: { name: "alpha", machine: "abc", boot: "def", kernel: "6.12" },
    policy: { sha256: "0" },
    packages: { systemd: "257" },
  },
};

let folder: string;
const file = (name: string) => join(folder, name);
const keyOf = (name: string) => readFileSync(file(`${name}.pub`), "utf8").trim();
const sign = (text: string, name = "alpha", namespace = "svirt-lxc") =>
  `${text}\n${execFileSync("ssh-keygen", ["-q", "-Y", "sign", "-n", namespace, "-f", file(name)], { input: `${text}\n` })}`;

let good: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
  for (const name of ["alpha", "beta"])
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file(name)]);
  good = sign(JSON.stringify(statement));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("each statement that a known key has signed is genuine, whatever else was signed", async () => {
  const other = sign(JSON.stringify(statement), "beta");
  expect(await verify(`${good}${other}`, [keyOf("beta"), keyOf("alpha")])).toEqual([
    { line: 1, statement },
    { line: 8, statement },
  ]);
});

const edited = (from: string, to: string) => () => good.replace(from, to);
test.each<[string, () => string, RegExp]>([
  ["a text that was changed", edited('"enforcing"', '"permissive"'), /does not verify/],
  ["a signature that was changed", () => good.replace(/(\n.{40})[A-Za-z]/, "$10"), /does not verify/],
  ["another's key", () => sign(JSON.stringify(statement), "beta"), /does not verify/],
  ["a signature for another purpose", () => sign(JSON.stringify(statement), "alpha", "git"), /does not verify/],
  ["no signature", () => `${JSON.stringify(statement)}\n`, /no statement with its signature/],
  ["a signature without an end", () => good.replace(/-----END.*/, ""), /no statement with its signature/],
  ["a signature alone", () => good.slice(good.indexOf("\n") + 1), /no statement with its signature/],
  ["another text that it signed", () => sign("hello"), /no statement that this release knows/],
  [
    "a statement of another kind",
    () => sign(JSON.stringify({ ...statement, predicateType: "x" })),
    /this release knows/,
  ],
  [
    "another digest",
    () => sign(JSON.stringify({ ...statement, subject: [{ name: "web", digest: { sha256: "0" } }] })),
    /has not the digest/,
  ],
])("%s is not genuine, and hides none of the others", async (_, make, fault) => {
  const bad = make();
  const [first, ...rest] = await verify(bad, [keyOf("alpha")]);
  expect([first!.fault, rest]).toEqual([expect.stringMatching(fault), []]);
  const among = await verify(`${good}${bad}${good}`, [keyOf("alpha")]);
  expect(among.map((found) => found.fault === undefined)).toEqual([true, false, true]);
  expect(among.map(({ line }) => line).at(-1)).toBe(8 + bad.split("\n").length - 1);
});

/** A state with the key of a host. */
const state = (evidenceKey?: string) => ({
  command: "audit",
  exportStack: async () =>
    JSON.stringify({
      deployment: {
        resources: [{ type: "pulumi-nodejs:dynamic/svirt-lxc:LibvirtService", inputs: {}, outputs: { evidenceKey } }],
      },
    }),
});
const audit = (args: string[], known?: string) => auditCommand(["--verify", file("log"), ...args], state(known));

test("the command takes the key that is given, as a text or a file, or those of the stack", async () => {
  writeFileSync(file("log"), good);
  const text = "✓ line 1: 2026-11-27T14:00:00Z web on alpha (abc): confined when it was started";
  for (const key of [keyOf("alpha"), file("alpha.pub")]) expect(await audit(["--key", key])).toEqual({ text, code: 0 });
  expect(await audit([], keyOf("alpha"))).toEqual({ text, code: 0 });
  expect(await audit([], keyOf("beta"))).toMatchObject({ code: 1 });
  expect(await audit(["--json", "--key", keyOf("alpha")])).toMatchObject({
    text: expect.stringMatching(/^\[\n/),
    code: 0,
  });
});

test("what is wrong with the question is told", async () => {
  writeFileSync(file("log"), "");
  expect(await audit(["--key", keyOf("alpha")])).toEqual({ text: `${file("log")} holds no statement`, code: 1 });
  await expect(audit([])).rejects.toThrow(/holds no key of a host: run `pulumi up`, or give the key with --key/);
  await expect(audit(["--key", file("alpha")])).rejects.toThrow(/is no public key, and holds none/);
  await expect(audit(["--key", "/nowhere"])).rejects.toThrow(/\/nowhere cannot be read/);
  await expect(auditCommand(["--key", "x"], state())).rejects.toThrow(/--key is for --verify/);
});
