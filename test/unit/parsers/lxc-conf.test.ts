import { missing, REQUIRED, withOriginal, withRequired } from "../../../provider/tools/lxc-conf.ts";
import { recordedOutcome } from "../../support/recorded.ts";

const recorded = recordedOutcome("libvirt").stdout.split("@lxc.conf\n")[1]!;
const keys = Object.keys(REQUIRED);
const required = Object.entries(REQUIRED).map(([key, value]) => `${key} = ${value}`);
const good = `${required.join("\n")}\n`;

test("the recorded file is as required, and is written as it is", () => {
  expect(missing(recorded)).toEqual([]);
  expect(withRequired(recorded)).toBe(recorded);
});

const texts: [name: string, text: string, missing: string[]][] = [
  ["an empty file", "", keys],
  ["comments only", required.map((l) => `#${l}\n`).join(""), keys],
  ["one key turned off", good.replace("require_confined = 1", "require_confined = 0"), ["security_require_confined"]],
  ["another driver", good.replace('"selinux"', '"none"'), ["security_driver"]],
  ["no blanks", good.replaceAll(" = ", "="), []],
  ["many blanks", good.replaceAll(" = ", "\t =  ").replaceAll("\n", " \n"), []],
  ["no line feed at the end", good.trimEnd(), []],
  ["a key that begins alike", `security_driver_x = 1\nsecurity_driver = "selinux"\n`, keys.slice(1)],
  // libvirt reads a file from its beginning and takes the first of two (virConfGetValue).
  ["turned off above", `security_require_confined = 0\n${good}`, ["security_require_confined"]],
  ["turned off below", `${good}security_require_confined = 0\n`, []],
];

test.each(texts)("%s: what is not as required", (_, text, expected) => {
  expect(missing(text)).toEqual(expected);
});

test.each(texts)("%s: is put right, keeps its other lines in order, and again changes nothing", (_, text) => {
  const written = withRequired(text);
  expect(missing(written)).toEqual([]);
  expect(withRequired(written)).toBe(written);
  for (const key of keys) {
    expect(written.split("\n").filter((l) => new RegExp(`^\\s*${key}\\s*=`).test(l))).toHaveLength(1);
  }
  const others = (t: string) =>
    t.split("\n").filter((l) => l && !keys.some((k) => l.startsWith(k) && !l.startsWith(`${k}_`)));
  expect(others(written)).toEqual(others(text));
  expect(written.endsWith("\n")).toBe(true);
});

test("the original comes back as it was, but for what others changed meanwhile", () => {
  const original = "# ours: none\nsecurity_require_confined = 0\nlog_with_libvirtd = 0\n";
  expect(withOriginal(withRequired(original), original)).toBe(original);
  const edited = withRequired(original).replace("libvirtd = 0", "libvirtd = 1");
  expect(withOriginal(edited, original)).toBe("# ours: none\nlog_with_libvirtd = 1\nsecurity_require_confined = 0\n");
});

test("other settings stay", () => {
  expect(withRequired('log_with_libvirtd = 1\n\nsecurity_driver = "none"\n# end\n\n')).toBe(
    `log_with_libvirtd = 1\n\n# end\n${good}`,
  );
});
