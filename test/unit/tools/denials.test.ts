import { execaSync } from "execa";
import { denialsRead, parseDenials } from "../../../provider/tools/denials.ts";
import { EXPLAIN } from "../../../provider/tools/troubleshooting.ts";
import { printed } from "../../support/recorded.ts";

/** What a permissive host has let pass is counted by who did it, to what. */

const avc = (serial: number, what: string, { target = "var_t", permissive = 1, type = "type=AVC msg=" } = {}) =>
  `${type}audit(1764168000.123:${serial}): avc:  denied  { ${what} } for  pid=7 comm="x y" name="a" dev="vda" ino=1 ` +
  `scontext=system_u:system_r:init_t:s0 tcontext=system_u:object_r:${target}:s0:c1,c2 tclass=dir permissive=${permissive}`;
const USER =
  "type=USER_AVC msg=audit(1764168000.123:90): pid=1 uid=0 auid=4294967295 ses=4294967295 subj=system_u:system_r:init_t:s0 " +
  'msg=\'avc:  denied  { start } for auid=n/a uid=0 gid=0 path="/x" cmdline="" scontext=system_u:system_r:cron_t:s0 ' +
  'tcontext=system_u:object_r:unit_t:s0 tclass=service permissive=1  exe="/usr/lib/systemd/systemd" sauid=0\'';

/** The look at a host with that audit log and that journal. */
function denials(audit: string[], journal: string[], enforce = "0"): string[] {
  const played = `cat() { echo ${enforce}; }
timeout() { shift; case $1 in ausearch) printf '%s\\n' "$AUDIT";; journalctl) printf '%s\\n' "$JOURNAL";; esac; }`;
  const { stdout } = execaSync("sh", ["-c", `${played}\n${denialsRead.argv[2]}`], {
    env: { AUDIT: audit.join("\n"), JOURNAL: journal.join("\n") },
  });
  return parseDenials(new Map([["denials", printed(stdout)]]));
}

const read = "init_t to var_t, dir: read write";

test.each<[name: string, audit: string[], journal: string[], found: string[]]>([
  ["nothing", ["<no matches>"], [], []],
  ["one kind", [avc(1, "read write"), avc(2, "read write")], [], [`2 times ${read}`]],
  [
    "the same in both logs",
    [avc(1, "read write")],
    [avc(1, "read write", { type: "audit: type=1400 " })],
    [`1 times ${read}`],
  ],
  ["what was denied indeed", [avc(1, "read write", { permissive: 0 })], [], []],
  [
    "several kinds, the largest first",
    [avc(1, "read", { target: "etc_t" }), avc(2, "read write"), avc(3, "read write"), "time->Thu", USER],
    [],
    [`2 times ${read}`, "1 times init_t to etc_t, dir: read", "1 times cron_t to unit_t, service: start"],
  ],
])("counted: %s", (_, audit, journal, found) => {
  expect(denials(audit, journal).sort()).toEqual(found.sort());
});

test("a host that enforces is not asked", () => {
  expect(denials([avc(1, "read write")], [], "1")).toEqual([]);
});

const explained = (functions: string, text: string) =>
  execaSync("sh", ["-c", `timeout() { shift; "$@"; }\n${functions}\n${EXPLAIN}\nexplain`], { input: text }).stdout;

test("denials carry what audit2why says of them, where it is there", () => {
  const audit2why =
    "audit2why() { cat; printf '\\tWas caused by:\\n\\n\\tMissing type enforcement (TE) allow rule.\\n'; }";
  expect(explained(audit2why, avc(1, "read"))).toBe(
    `${avc(1, "read")}\naudit2why says of these:\n\tWas caused by:\n\tMissing type enforcement (TE) allow rule.`,
  );
  expect(explained("audit2why() { return 127; }", avc(1, "read"))).toBe(avc(1, "read"));
  expect(explained(audit2why, "")).toBe("");
});

test("and what setroubleshoot says of the processes, where it is there", () => {
  const there = 'audit2why() { return 127; }\nsealert() { :; }\njournalctl() { echo advice "$@"; }';
  expect(explained(there, avc(1, "read"))).toBe(
    `${avc(1, "read")}\nadvice -q -b -t setroubleshoot -o cat OBJECT_PID=7`,
  );
});
