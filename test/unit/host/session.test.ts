import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Session, sessionOf } from "../../../provider/host/session.ts";
import { look } from "../../support/batch.ts";

test("one session a host, whoever asks", () => {
  expect(sessionOf({ ssh: "a" })).toBe(sessionOf({ ssh: "a" }));
  expect(sessionOf({ ssh: "a" })).not.toBe(sessionOf({ ssh: "b" }));
  expect(sessionOf({ ssh: "a" })).not.toBe(sessionOf({ ssh: "a", sshConfig: "x" }));
  expect(sessionOf({})).toBe(sessionOf({}));
});

test("at most eight round trips at a time: sshd allows ten", async () => {
  const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
  const session = new Session({});
  const beside = look("n", `echo >${folder}/$$; sleep 0.2; ls ${folder} | wc -l; rm ${folder}/$$`);
  const seen = await Promise.all(Array.from({ length: 20 }, () => session.observe([beside], "unit")));
  const counts = seen.map((o) => Number(o.results.get("n")!.stdout));
  expect(Math.max(...counts)).toBeLessThanOrEqual(8);
  expect(Math.max(...counts)).toBeGreaterThan(1);
  rmSync(folder, { recursive: true });
});

test("a snapshot is one look for all, until something changed", async () => {
  const session = new Session({});
  const reads = [look("n", "date +%N"), look("n", "date +%N"), look("m", "echo m")];
  const [a, b] = await Promise.all([session.snapshot(reads), session.snapshot(reads)]);
  expect(a).toBe(b);
  expect([...a.keys()]).toEqual(["n", "m"]);
  session.changed();
  expect((await session.snapshot(reads)).get("n")).not.toEqual(a.get("n"));
});

test("a host that cannot be reached: what, where, why and what to do, without a stack", async () => {
  const session = new Session({ ssh: "user@no-such-host.invalid", sshConfig: "/dev/null" });
  const error = await session.observe([look("n", ":")], "unit").catch((e: Error) => e);
  expect(error).toMatchObject({
    problem: {
      code: "unreachable",
      what: "cannot reach the host user@no-such-host.invalid",
      where: "ssh -F /dev/null user@no-such-host.invalid",
      why: expect.stringMatching(/exit code 255\n.*no-such-host/),
      remedy: expect.stringMatching(/make `ssh -F \/dev\/null user@no-such-host\.invalid true` work without a prompt/),
    },
    stack: "",
  });
});

test("a host whose login greets: an error without a stack, too", async () => {
  const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
  writeFileSync(join(folder, "sh"), '#!/bin/sh\necho Welcome\nexec /bin/sh "$@"\n', { mode: 0o755 });
  const { PATH } = process.env;
  process.env.PATH = `${folder}:${PATH}`;
  const error = await new Session({}).observe([look("n", ":")], "unit").catch((e: Error) => e);
  process.env.PATH = PATH;
  rmSync(folder, { recursive: true });
  expect(error).toMatchObject({ name: "svirt-lxc", message: expect.stringContaining("Welcome"), stack: "" });
});
