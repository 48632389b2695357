import { apt } from "../../../provider/sources/apt.ts";

/** The lines of sources.list(5) that mmdebstrap is given. */
function linesFor(mirrors: object[]): string[] {
  const step = apt.fill(apt.input.parse({ suite: "trixie", mirrors }), "digest", "/staging");
  return step.argv.filter((argument) => argument.startsWith("deb "));
}

test.each([
  [
    "its own suite and main, if nothing else is said",
    [{ url: "http://m.example/d" }],
    "deb http://m.example/d trixie main",
  ],
  [
    "another suite and components",
    [{ url: "https://m.example/d", suite: "trixie-updates", components: ["main", "contrib"] }],
    "deb https://m.example/d trixie-updates main contrib",
  ],
  ["an archive on the host is copied from", [{ url: "file:///srv/debian" }], "deb copy:///srv/debian trixie main"],
])("a mirror: %s", (_, mirrors, line) => {
  expect(linesFor(mirrors)).toEqual([line]);
});
