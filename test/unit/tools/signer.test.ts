import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { factsOf, type Statement } from "../../../provider/confinement/statement.ts";
import { parseSigned, parseSigner, signer } from "../../../provider/tools/signer.ts";
import { verify } from "../../../provider/verify.ts";
import { printed } from "../../support/recorded.ts";

// The very script, with ssh-keygen, on files of a folder that pass for the host's.
const STORE = "/var/lib/svirt-lxc";
const LOG = "/var/log/svirt-lxc/evidence/web.log";
let folder: string;
const at = (path: string) => join(folder, path);
const read = (path: string) => readFileSync(at(path), "utf8");
const put = (file: string, text: string) => writeFileSync(at(`${STORE}/unsigned/${file}`), text);
const key = () => read(`${STORE}/evidence/key.pub`).trim();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
  for (const path of [`${STORE}/unsigned`, `${STORE}/evidence`, "/var/log/svirt-lxc/evidence", "/sys/fs/selinux"])
    mkdirSync(at(path), { recursive: true });
  writeFileSync(at("/sys/fs/selinux/policy"), "the policy");
  writeFileSync(at("/etc-machine-id"), "0123456789abcdef0123456789abcdef\n");
});
afterEach(() => rmSync(folder, { recursive: true }));

function sign() {
  const [script] = Object.values(signer.files) as [string];
  const text = script
    .replaceAll(/(?<!proc)\/(sys|var)\//g, `${folder}/$1/`)
    .replace("/etc/machine-id", at("/etc-machine-id"));
  const { status, stderr } = spawnSync("sh", ["-c", text], { encoding: "utf8" });
  return { status, stderr };
}
const statements = (log = LOG): Statement[] =>
  read(log)
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));

const CONFINED = factsOf([
  { what: "kernel", found: "enforcing", faults: [] },
  { what: "uid map", found: "0→1879048192 (65536)", faults: [] },
]);

test("what is handed over becomes a signed statement in the log of its container", async () => {
  put("web.start.4711", CONFINED);
  expect(sign()).toEqual({ status: 0, stderr: "" });
  expect(readdirSync(at(`${STORE}/unsigned`))).toEqual([]);
  const [statement] = statements();
  const sha256 = execFileSync("sha256sum", { input: CONFINED, encoding: "utf8" }).slice(0, 64);
  expect(statement).toEqual({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "web", digest: { sha256 } }],
    predicateType: "urn:svirt-lxc:confinement:1",
    predicate: {
      occasion: "start",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      verdict: "confined",
      checks: [
        { what: "kernel", found: "enforcing", faults: [] },
        { what: "uid map", found: "0→1879048192 (65536)", faults: [] },
      ],
      host: {
        name: hostname(),
        machine: "0123456789abcdef0123456789abcdef",
        boot: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
        kernel: execFileSync("uname", ["-r"], { encoding: "utf8" }).trim(),
      },
      policy: { sha256: execFileSync("sha256sum", { input: "the policy", encoding: "utf8" }).slice(0, 64) },
      packages: expect.objectContaining({ libselinux1: expect.stringMatching(/^\d/) }),
    },
  });
  expect(await verify(read(LOG), [key()])).toEqual([{ line: 1, statement }]);
});

test("the commands of README verify the last statement of a log", () => {
  put("web.start.1", CONFINED);
  put("web.start.2", CONFINED);
  sign();
  const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");
  const commands = /^tail -n 7 web\.log.*\n(?:.*\n)*?ssh-keygen -Y verify .*\n/m.exec(readme)![0];
  writeFileSync(at("web.log"), read(LOG));
  writeFileSync(at("allowed"), `svirt-lxc ${key()}\n`);
  expect(execFileSync("sh", ["-ec", commands], { cwd: folder, encoding: "utf8" })).toMatch(
    /^Good "svirt-lxc" signature/,
  );
});

test("what an `up` found is signed alike, and its digest is told to the next one", () => {
  put("web.look", CONFINED);
  put(".db.look", "half a file");
  sign();
  const [{ predicate, subject }] = statements() as [Statement];
  expect(predicate.occasion).toBe("look");
  const found = read(`${STORE}/evidence/web.found`);
  expect(found).toBe(`${subject[0].digest.sha256}\n`);
  expect(parseSigned(printed(`signer\nweb.found:${found}db.found:x\n`), "web")).toBe(subject[0].digest.sha256);
  expect(readdirSync(at(`${STORE}/unsigned`))).toEqual([".db.look"]);
});

test("one fault makes a verdict, and any text of it is told as it is", async () => {
  const odd = 'runs as "\\x"; it\'s $(odd) %s & ü';
  put("web.start.1", `start\tended\t${odd}\tanother\n`);
  put("web.start.2", "start\tended\ta\u0007b\u001b[31m\n");
  expect(sign().status).toBe(0);
  const [first, second] = statements();
  expect(first!.predicate).toMatchObject({
    verdict: "not confined",
    checks: [{ what: "start", found: "ended", faults: [odd, "another"] }],
  });
  expect(second!.predicate.checks[0]!.faults).toEqual(["ab[31m"]);
  expect((await verify(read(LOG), [key()])).map(({ fault }) => fault)).toEqual([undefined, undefined]);
});

test("the key stays what it is; its public half is made anew if it is lost", () => {
  put("web.look", CONFINED);
  sign();
  const was = key();
  rmSync(at(`${STORE}/evidence/key.pub`));
  put("web.look", CONFINED);
  sign();
  expect(key()).toBe(was);
  expect(parseSigner(`${was} \nthere\n`)).toEqual({ key: was, waiting: false, left: true });
});

test("a log that is full makes room for another, and one older one is kept", () => {
  for (const _ of [1, 2]) {
    writeFileSync(at(LOG), "x".repeat(1024 * 1024));
    put("web.start.1", CONFINED);
    expect(sign().status).toBe(0);
  }
  expect(statements()).toHaveLength(1);
  expect(readdirSync(at("/var/log/svirt-lxc/evidence"))).toEqual(["web.log", "web.log.1"]);
});

test.each([
  ["the log cannot be written", () => rmSync(at("/var/log/svirt-lxc/evidence"), { recursive: true })],
  ["the policy cannot be read", () => rmSync(at("/sys/fs/selinux/policy"))],
  ["the key is none", () => writeFileSync(at(`${STORE}/evidence/key`), "x")],
])("%s: it fails, and what is to be signed waits", (_, spoil) => {
  spoil();
  put("web.look", CONFINED);
  expect(sign().status).not.toBe(0);
  expect(readdirSync(at(`${STORE}/unsigned`))).toEqual(["web.look"]);
  expect(existsSync(at(`${STORE}/evidence/web.found`))).toBe(false);
});

test("a file without anything in it, as a host that went down leaves one, is removed", () => {
  put("web.start.1", "");
  expect(sign().status).toBe(0);
  expect(readdirSync(at(`${STORE}/unsigned`))).toEqual([]);
  expect(existsSync(at(LOG))).toBe(false);
});

test("what is listed of it, and of what it signed", () => {
  expect(parseSigner("ssh-ed25519 AAAA \nwaiting\nthere\n")).toEqual({
    key: "ssh-ed25519 AAAA",
    waiting: true,
    left: true,
  });
  expect(parseSigner("\n")).toEqual({ waiting: false, left: false });
  expect(parseSigned(printed("signer\n"), "web")).toBe("none");
  expect(parseSigned(printed(""), "web")).toBeUndefined();
});
