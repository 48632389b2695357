import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KEEP } from "../../../provider/tools/audit-log.ts";

const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
const rotated = (n: number) => join(folder, "audit", `audit.log.${n}`);
beforeEach(() => mkdirSync(join(folder, "audit"), { recursive: true }));
afterEach(() => rmSync(folder, { recursive: true }));

/** The very script, on logs of its own; what it has kept by then. */
function keep(whileBusy = ""): string[] {
  const script = `stat() { ${whileBusy || ":"}; command stat "$@"; }\n${KEEP.replaceAll("/var/log", folder)}`;
  const { status, stderr } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const log = join(folder, "svirt-lxc", "audit.log");
  return existsSync(log) ? readFileSync(log, "utf8").split("\n").filter(Boolean) : [];
}
let serial = 0;
const record = (text: string) => `type=${text} msg=audit(1790000000.000:${++serial})`;
const denial = () =>
  `${record("AVC")}: avc:  denied  { map_create } for comm="perl" scontext=system_u:system_r:svirt_lxc_sys_t:s0:c0,c512 tclass=bpf`;
const write = (n: number, lines: string[]) => writeFileSync(rotated(n), `${lines.join("\n")}\n`);

test("of a flood some are kept, of others all", () => {
  const login = record("USER_LOGIN");
  write(1, [...Array.from({ length: 50 }, denial), login]);
  const kept = keep();
  expect(kept.filter((line) => line.includes("denied"))).toHaveLength(20);
  expect(kept).toContain(login);
});

test("files that were rotated while it was busy are kept, each once, whatever they are called by then", () => {
  const [a, b, c, d] = ["A", "B", "C", "D"].map(record);
  write(1, [a!]);
  expect(keep()).toEqual([a]);
  renameSync(rotated(1), rotated(4));
  write(3, [b!]);
  write(2, [c!]);
  write(1, [d!]);
  expect(keep()).toEqual([a, b, c, d]);
  expect(keep()).toEqual([a, b, c, d]);
});

test("what auditd removes while it is busy is kept all the same", () => {
  const [a, b, c] = ["A", "B", "C"].map(record);
  for (const [i, line] of [c!, b!, a!].entries()) write(i + 1, [line]);
  expect(keep(`rm -f ${rotated(1)} ${rotated(2)}`)).toEqual([a, b, c]);
});

test("ten files and more are kept in their order", () => {
  const lines = Array.from({ length: 12 }, (_, i) => record(`N${i}`));
  for (const [i, line] of lines.entries()) write(lines.length - i, [line]);
  expect(keep()).toEqual(lines);
});

test("a host without rotated files, and an empty one", () => {
  expect(keep()).toEqual([]);
  writeFileSync(rotated(1), "");
  expect(keep()).toEqual([]);
});
