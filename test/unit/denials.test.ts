import { execaSync } from "execa";
import { deniedTo } from "../../provider/confinement/denials.ts";
import { printed } from "../support/recorded.ts";

const LEVEL = "s0:c0,c512";
const avc = (what: string, of: { target?: string; type?: string; level?: string; more?: string } = {}) => {
  const { target = "system_r:svirt_lxc_sys_t", type = "bpf", level = LEVEL, more = "" } = of;
  return (
    `type=AVC msg=audit(1764168000.123:1): avc:  denied  { ${what} } for  pid=7 comm="perl"${more} ` +
    `scontext=system_u:system_r:svirt_lxc_sys_t:${level} tcontext=system_u:${target}:s0 tclass=${type} permissive=0`
  );
};
const { read, tell } = deniedTo(LEVEL)!;
const told = (...lines: string[]) => tell(printed(lines.join("\n"))).slice(1);

test.each<[string, string[], string[]]>([
  ["nothing", [""], []],
  [
    "what no container may, with what it would gain",
    [avc("map_create")],
    [
      "perl (svirt_lxc_sys_t) may not map_create the bpf of svirt_lxc_sys_t; no container may load programs into the kernel",
    ],
  ],
  [
    "one kind once, with its file",
    Array.from({ length: 3 }, () =>
      avc("read open", { target: "object_r:usr_t", type: "file", more: ' path="/usr/x y"' }),
    ),
    ['perl (svirt_lxc_sys_t) may not read, open the file "/usr/x y" of usr_t (3 times)'],
  ],
  ["what is no record", ["time->Thu", "avc:  denied  { read } for"], []],
])("told: %s", (_, lines, sentences) => {
  expect(told(...lines)).toEqual(sentences);
});

test("of many kinds the last four", () => {
  const kinds = ["a_t", "b_t", "c_t", "d_t", "e_t"].map((type) =>
    avc("read", { target: `object_r:${type}`, type: "dir" }),
  );
  expect(told(...kinds).map((line) => line.slice(-3))).toEqual(["b_t", "c_t", "d_t", "e_t"]);
});

test("looked for are those of the level, in the audit log, or in the kernel's messages", () => {
  const look = (functions: string) =>
    execaSync("sh", ["-c", `timeout() { shift; "$@"; }\n${functions}\n${read.argv[2]}`, ...read.argv.slice(3)]).stdout;
  const lines = [avc("read"), avc("write", { level: "s0:c1,c513" }), "time->Thu"].join("\n");
  const says = (text: string) => `{ printf '%s\\n' '${text}'; }`;
  expect(look(`ausearch() ${says(lines)}`)).toBe(avc("read"));
  expect(look(`ausearch() { return 1; }\njournalctl() ${says(avc("open"))}`)).toBe(avc("open"));
});
