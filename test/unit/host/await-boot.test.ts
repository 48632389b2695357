import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { Session } from "../../../provider/host/session.ts";
import { look } from "../../support/batch.ts";

/** A host that restarts is waited for over new connections, whatever its silence means. By an ssh that is played. */

const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
const { PATH, XDG_RUNTIME_DIR } = process.env;
beforeAll(() => {
  process.env.PATH = [folder, PATH].join(delimiter);
  process.env.XDG_RUNTIME_DIR = folder;
});
afterAll(() => {
  process.env.PATH = PATH;
  if (XDG_RUNTIME_DIR === undefined) delete process.env.XDG_RUNTIME_DIR;
  else process.env.XDG_RUNTIME_DIR = XDG_RUNTIME_DIR;
  rmSync(folder, { recursive: true });
});

/** A host that answers each login by a line of sh; the last one stands for all that follow. Numbers count the logins. */
function answers(...lines: string[]): void {
  const cases = lines.map((line, i) => `${i === lines.length - 1 ? "*" : i + 1}) ${line};;`);
  writeFileSync(join(folder, "calls"), "");
  writeFileSync(
    join(folder, "ssh"),
    `#!/bin/sh
case "$*" in *-G*) exit 0;; esac
echo "$*" >>${folder}/calls
case "$*" in *"-O exit"*) exit 0;; esac
for command; do :; done
case $(grep -vc -e '-O exit' ${folder}/calls) in ${cases.join(" ")} esac
`,
  );
  chmodSync(join(folder, "ssh"), 0o755);
}

const BOOT = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
const up = 'exec sh -c "$command"';
const refused = "echo Connection refused >&2; exit 255";
const calls = () => readFileSync(join(folder, "calls"), "utf8").trim().split("\n");
const ready = (line: string) => ({ ready: ["sh", "-c", line], timeout: 20 });

test("refused, reset, and not ready mean that it is not back yet", async () => {
  answers(refused, "echo reset >&2; exit 255", "exit 1", up);
  const line = `[ -e ${folder}/flag ] || { : >${folder}/flag; echo starting; exit 1; }`;
  await new Session({ ssh: "alpha" }).awaitBoot("another", ready(line), "unit");
  expect(calls().length).toBe(6);
});

test("each look is a login of its own, and the shared connection is ended before", async () => {
  answers(up);
  const session = new Session({ ssh: "alpha" });
  await session.observe([look("n", ":")], "unit");
  await session.awaitBoot("another", ready(":"), "unit");
  await session.observe([look("n", ":")], "unit");
  const [first, exit, poll, last] = calls().map((line) => /ControlPath=(\S+)/.exec(line)![1]);
  expect(first).not.toBe("none");
  expect({ exit, last }).toEqual({ exit: first, last: first });
  expect(poll).toBe("none");
  expect(calls()[1]).toContain("-O exit");
  expect(calls()[2]).toContain("ConnectTimeout=10");
});

test.each([
  ["it never went down", BOOT, up, /has not restarted yet/],
  ["it does not get on", "another", up, /^starting$/],
  ["it does not let in", "another", refused, /exit code 255\nConnection refused/],
])("%s: an error that leaves it alone", async (_, before, answer, why) => {
  answers(answer);
  const restart = { ready: ["sh", "-c", "echo starting; exit 1"], timeout: 0 };
  const error = await new Session({ ssh: "alpha" }).awaitBoot(before, restart, "unit").catch((e) => e);
  expect(error.problem).toMatchObject({
    code: "not-back",
    why: expect.stringMatching(why),
    remedy: expect.stringMatching(/nothing more is done.*continues/),
  });
});

test("another machine under its name is an error at once", async () => {
  answers(up);
  const session = new Session({ ssh: "alpha" });
  session.expect("0".repeat(32));
  const error = await session.awaitBoot("another", ready(":"), "unit").catch((e) => e);
  expect(error.problem.code).toBe("other-machine");
});
