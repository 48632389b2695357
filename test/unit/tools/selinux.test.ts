import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execaSync } from "execa";
import { checkLabels } from "../../../provider/tools/enforce.ts";
import { CHANGE_MODULES, PIPED } from "../../../provider/tools/piped.ts";

/** What programs in domains of their own are given, and what becomes of what they say. */

/** A shell as a batch has it: files for the output, the lock open; with programs that are played by functions. */
function sh(script: string, input = "") {
  const { stdout, exitCode } = execaSync("sh", ["-c", `exec 3>&2 8>/dev/null 9>/dev/null\n${script}`], {
    input,
    reject: false,
  });
  return { stdout, exitCode };
}

test("they inherit a pipe for their output, and nothing else", () => {
  const { stdout } = sh(
    `${PIPED}\npiped sh -c 'cd /proc/$$/fd; for f in [0-9] [0-9][0-9]; do [ ! -e $f ] || echo $f $(readlink $f); done'`,
  );
  const [input, output, errors, ...others] = stdout.split("\n").filter((line) => !line.startsWith("10 "));
  expect(input).toBe("0 /dev/null");
  expect(output).toMatch(/^1 pipe:/);
  expect(errors).toBe(output!.replace("1", "2"));
  expect(others).toEqual([]);
});

test.each([
  ["success", "exit 0", { stdout: "", exitCode: 0 }],
  ["success with something to say", "echo said; exit 0", { stdout: "said", exitCode: 0 }],
  ["a failure", "echo why >&2; exit 7", { stdout: "why", exitCode: 7 }],
])("what it says and how it ends is kept: %s", (_, script, ended) => {
  expect(sh(`${PIPED}\npiped sh -c '${script}'`)).toEqual(ended);
});

test("what was to be read by what follows is still there", () => {
  expect(sh(`${PIPED}\npiped cat; cat`, "text").stdout).toBe("text");
});

const runcon = (body: string) =>
  `id() { echo ours; }; runcon() { ${body}; }; semodule() { echo own "$@"; }\n${CHANGE_MODULES}\n`;

test.each([
  ["it works", 'shift; echo "caller $*"', { stdout: "caller semodule -r x", exitCode: 0 }],
  ["it fails", "echo no; return 3", { stdout: "no", exitCode: 3 }],
  ["it may not be run so", "echo denied; return 126", { stdout: "denied\nown -r x", exitCode: 0 }],
])("modules are changed in the caller's domain: %s", (_, body, ended) => {
  expect(sh(`${runcon(body)}change_modules -r x`)).toEqual(ended);
});

const MENDED = join(mkdtempSync(join(tmpdir(), "svirt-lxc-unit-")), "mended");
afterAll(() => rmSync(dirname(MENDED), { recursive: true }));
const labels = (body: string) => sh(`restorecon() { ${body}; }\n${checkLabels.argv[2]}`);

test.each([
  ["all are right", ":", { stdout: "", exitCode: 0 }],
  ["something is said that is no file", "echo 'Warning: no default label for /x'", { stdout: "", exitCode: 0 }],
  [
    "some are wrong, and stay so",
    "for n in 1 2 3; do echo Would relabel /etc/$n from a to b; done",
    {
      stdout: expect.stringMatching(/^6 files still .*such as:\n(Would relabel \/etc\/\d from a to b\n?){5}$/),
      exitCode: 1,
    },
  ],
  [
    "some are wrong, and are mended",
    `case "$*" in *-n*) [ -e ${MENDED} ] || echo Would relabel /etc/1 from a to b;; *) : >${MENDED};; esac`,
    { stdout: "", exitCode: 0 },
  ],
  ["it fails", "echo broken; return 255", { stdout: "broken", exitCode: 1 }],
])("labels are checked: %s", (_, body, ended) => {
  expect(labels(body)).toEqual(ended);
});
