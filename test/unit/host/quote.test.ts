import { spawnSync } from "node:child_process";
import { quote, quoteArgv } from "../../../provider/host/batch.ts";

// What sh makes of a quoted word is the word, whatever stands in it but NUL, which no argument can hold.
const words = [
  "plain",
  "",
  " ",
  "two words",
  "'",
  "it's",
  "''",
  "'\\''",
  '"double"',
  "$(reboot)",
  "`reboot`",
  "$HOME ${HOME} $$ $1 $@",
  "$HOME",
  "a$$b",
  "~",
  "~/x",
  "{a,b}",
  "/*",
  "\\",
  "a\\",
  "\\n \\0 \\'",
  "a\nb",
  "\n",
  "ends in two line feeds\n\n",
  "\t\r\v\f\x01\x1b\x7f",
  "; & | && || > < >> << ( ) { } # ! ~ * ? [a-z]",
  "~root",
  "#comment",
  "!history",
  "-n",
  "--",
  "A=1",
  "a,b:c@d/e.f%g+h-i_j",
  "Käse, 名前, 🔒",
  "\u2028\u00a0\ufeff",
  "x".repeat(100_000),
  "'".repeat(1000),
];

/** The words that sh sees. */
const seen = (argv: string[]) => {
  const input = `for word in ${quoteArgv(argv)}; do printf '%s\\0' "$word"; done`;
  const { stdout, stderr } = spawnSync("sh", [], { input, encoding: "utf8", maxBuffer: 1e7 });
  expect(stderr).toBe("");
  return stdout.split("\0").slice(0, -1);
};

test("words come through sh as they are", () => {
  expect(seen(words)).toEqual(words);
});

test("every single character, but NUL, comes through sh as it is", () => {
  const all = Array.from({ length: 127 }, (_, i) => String.fromCharCode(i + 1));
  expect(seen(all)).toEqual(all);
  expect(seen([all.join("")])).toEqual([all.join("")]);
});

const shown: [word: string, quoted: string][] = [
  ["/usr/bin/mount", "/usr/bin/mount"],
  ["s0:c0,c512", "s0:c0,c512"],
  ["lxc:///", "lxc:///"],
  ["", "''"],
  ["a b", "'a b'"],
  ["it's", `'it'\\''s'`],
];
test.each(shown)("%s reads as %s: quotes only where they are needed", (word, quoted) => {
  expect(quote(word)).toBe(quoted);
});
