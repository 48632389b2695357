import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evidenceRead, parseEvidence } from "../../../provider/confinement/evidence.ts";
import { commandOf } from "../../../provider/host/batch.ts";

// The very command that gathers, on a controller and a child of this machine that pass for a container.
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
let controller: ChildProcess;
let init: number;

beforeAll(async () => {
  controller = spawn("sh", ["-c", "sleep 60 & echo $!; wait"], { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = await once(controller.stdout!, "data");
  init = Number(line);
});
afterAll(() => {
  process.kill(init);
  controller.kill();
  rmSync(folder, { recursive: true });
});

function gather(name = "*"): string {
  const [command = "", ...args] = commandOf(evidenceRead(name)).map((word) =>
    word.replaceAll(/\/run\/(libvirt\/lxc|svirt-lxc)/g, folder),
  );
  const { stdout, status } = spawnSync(command, args, { encoding: "utf8" });
  expect(status).toBe(0);
  return stdout;
}
const containers = (name?: string) =>
  gather(name)
    .split("\n")
    .filter((line) => line.startsWith("container "));

test("no container runs", () => {
  expect(containers()).toEqual([]);
});

test("the controller is told by libvirt, the init and its maps by the kernel; other people's odd names are passed over", () => {
  for (const name of ["web", "db-2", "web 2", "web 5 6", "Web", "w&b", "k\u00f6ln", "a.b", "*", "x\ny"])
    writeFileSync(join(folder, `${name}.pid`), `${controller.pid}\n`);
  expect(containers()).toEqual([`container db-2 ${controller.pid} ${init}`, `container web ${controller.pid} ${init}`]);

  expect(containers("web")).toEqual([`container web ${controller.pid} ${init}`]);
  expect(containers("we")).toEqual([]);

  const [inside, outside, count] = readFileSync("/proc/self/uid_map", "utf8").trim().split(/\s+/).map(Number);
  const evidence = parseEvidence({ exit: 0, stdout: gather(), stderr: "" }, "web", { start: 1, count: 0 })!;
  expect(evidence.uidMap).toEqual([{ inside, outside, count }]);
  expect(evidence.processes).toContainEqual(
    expect.objectContaining({ pid: init, uid: 0, command: "sleep", groups: [0], bounding: expect.any(BigInt) }),
  );
  expect(evidence.processes.map((p) => p.pid)).not.toContain(controller.pid);
});

test("a controller that has ended, and a file that says nothing, are no containers", () => {
  writeFileSync(join(folder, "gone.pid"), "4194304\n");
  writeFileSync(join(folder, "empty.pid"), "");
  expect(containers().filter((line) => /gone|empty/.test(line))).toEqual([]);
});

test("every process but those of the kernel is told, with all fields", () => {
  const lines = gather()
    .split("\n")
    .filter((line) => line.startsWith("process "));
  expect(lines.length).toBeGreaterThan(2);
  for (const line of lines) expect(line).toMatch(/^process \d+ \d+ (\d+|-) \d+ \S+ \S+( (\d+|-)){5} \d+ [\d,-]+ \S/);
});
