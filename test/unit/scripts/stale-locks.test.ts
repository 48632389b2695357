import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { stacksLockedByTheDead } from "../../../scripts/state/stale-locks.ts";

// Locks as the file backend writes them: .pulumi/locks/organization/PROJECT/STACK/UUID.json.
const { pid: dead } = spawnSync("true");
const here = { hostname: hostname() };

let backend: string;
beforeEach(() => {
  backend = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
});
afterEach(() => rmSync(backend, { recursive: true }));

const lock = (stack: string, id: string, text: string) => {
  const folder = join(backend, ".pulumi/locks/organization/svirt-lxc", stack);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${id}.json`), text);
};

const cases: [name: string, locks: string[], stale: boolean][] = [
  ["no lock", [], false],
  ["of a process that has ended", [JSON.stringify({ ...here, pid: dead })], true],
  ["of one that runs", [JSON.stringify({ ...here, pid: process.pid })], false],
  ["of somebody else's that runs", [JSON.stringify({ ...here, pid: 1 })], false],
  ["of another machine's", [JSON.stringify({ hostname: "elsewhere", pid: dead })], false],
  ["being written", ['{"pid":'], false],
  ["two, of which one runs", [dead, process.pid].map((pid) => JSON.stringify({ ...here, pid })), false],
  [
    "two, of which one runs, the other way round",
    [process.pid, dead].map((pid) => JSON.stringify({ ...here, pid })),
    false,
  ],
];
test.each(cases)("a lock of the dead: %s", async (_, locks, stale) => {
  locks.forEach((text, i) => {
    lock("prod", String(i), text);
  });
  expect(await stacksLockedByTheDead(backend)).toEqual(stale ? ["prod"] : []);
});
