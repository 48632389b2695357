import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { locksOfTheDead } from "../../../scripts/state/stale-locks.ts";

// Locks as the file backend writes them: .pulumi/locks/organization/PROJECT/STACK/UUID.json.
const { pid: dead } = spawnSync("true");
const here = { hostname: hostname() };

let backend: string;
beforeEach(() => {
  backend = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
});
afterEach(() => rmSync(backend, { recursive: true }));

const folder = () => join(backend, ".pulumi/locks/organization/svirt-lxc/prod");

const cases: [name: string, locks: string[], stale: number[]][] = [
  ["no lock", [], []],
  ["of a process that has ended", [JSON.stringify({ ...here, pid: dead })], [0]],
  ["of one that runs", [JSON.stringify({ ...here, pid: process.pid })], []],
  ["of somebody else's that runs", [JSON.stringify({ ...here, pid: 1 })], []],
  ["of another machine's", [JSON.stringify({ hostname: "elsewhere", pid: dead })], []],
  ["being written", ['{"pid":'], []],
  ["two, of which one runs", [process.pid, dead].map((pid) => JSON.stringify({ ...here, pid })), [1]],
];
test.each(cases)("a lock of the dead: %s", async (_, locks, stale) => {
  mkdirSync(folder(), { recursive: true });
  locks.forEach((text, i) => {
    writeFileSync(join(folder(), `${i}.json`), text);
  });
  expect(await locksOfTheDead(backend)).toEqual(stale.map((i) => join(folder(), `${i}.json`)));
});

test("a backend in a folder whose name looks like a pattern", async () => {
  backend = join(backend, "[x]");
  mkdirSync(folder(), { recursive: true });
  writeFileSync(join(folder(), "0.json"), JSON.stringify({ ...here, pid: dead }));
  expect(await locksOfTheDead(backend)).toHaveLength(1);
  backend = join(backend, "..");
});
