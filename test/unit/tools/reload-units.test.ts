import { execFileSync } from "node:child_process";
import { RELOAD_UNITS } from "../../../provider/tools/reload-units.ts";

/** systemd as far as it is asked, of units a and b. */
const systemctl = (ofA: string, ofB: string) => `systemctl() {
  case $* in
  "show -p NeedDaemonReload a b") printf 'NeedDaemonReload=%s\\n' ${ofA} ${ofB} ;;
  daemon-reload) echo reloaded ;;
  *) echo "not asked for: $*" ;;
  esac
}`;

test("units of which systemd says nothing are read anew", () => {
  const script = `systemctl() { case $1 in show) return 1 ;; *) echo reloaded ;; esac; }\n${RELOAD_UNITS}\nreload_units a b`;
  expect(execFileSync("sh", ["-ec", script], { encoding: "utf8" })).toBe("reloaded\n");
});

test.each([
  ["no", "no", ""],
  ["no", "yes", "reloaded\n"],
  ["yes", "no", "reloaded\n"],
])("units are read anew where systemd holds another text of one: %s, %s", (ofA, ofB, printed) => {
  const script = `${systemctl(ofA, ofB)}\n${RELOAD_UNITS}\nreload_units a b`;
  expect(execFileSync("sh", ["-ec", script], { encoding: "utf8" })).toBe(printed);
});
