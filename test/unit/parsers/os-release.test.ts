import { familyOf } from "../../../provider/families/index.ts";
import { parseOsRelease } from "../../../provider/host/os-release.ts";
import { recordedOutcome } from "../../support/recorded.ts";

const debian13 = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nID=debian\n';

const texts: [name: string, text: string, id: string, version: string, title: string][] = [
  ["Debian 13", debian13, "debian", "13", "Debian GNU/Linux 13 (trixie)"],
  ["the recorded host", recordedOutcome("system").stdout, "debian", "13", "Debian GNU/Linux 13 (trixie)"],
  [
    "Fedora",
    'NAME="Fedora Linux"\nVERSION="42 (Server Edition)"\nID=fedora\nVERSION_ID=42\nPRETTY_NAME="Fedora Linux 42"\n',
    "fedora",
    "42",
    "Fedora Linux 42",
  ],
  [
    "Rocky",
    'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4"\n',
    "rocky",
    "9.4",
    "Rocky Linux 9.4",
  ],
  // os-release(5): values may stand in single or double quotes.
  ["single quotes", "ID='debian'\nVERSION_ID='13'\nPRETTY_NAME='Debian 13'\n", "debian", "13", "Debian 13"],
  ["no pretty name", "ID=debian\nVERSION_ID=13\n", "debian", "13", "debian"],
  ["nothing", "", "", "", ""],
];
test.each(texts)("os-release of %s", (_, text, id, version, name) => {
  expect(parseOsRelease(text)).toEqual({ id, version, name });
});

const families: [os: string, version: string, expected: RegExp][] = [
  ["debian", "13", /^debian$/],
  ["debian", "14", /^debian$/],
  ["debian", "12", /SELinux policy .*mount.*Debian 13/],
  ["debian", "9", /Debian 13/],
  ["rhel", "9.4", /without the LXC driver/],
  ["centos", "8", /without the LXC driver/],
  ["rocky", "9.4", /without the LXC driver/],
  ["almalinux", "9", /without the LXC driver/],
  ["fedora", "42", /^fedora$/],
  ["fedora", "44", /^fedora$/],
  ["fedora", "41", /Fedora 42 or later/],
  ["ubuntu", "24.04", /only Debian .* and Fedora/],
  ["", "", /only Debian .* and Fedora/],
];
test.each(families)("family of %s %s", (id, version, expected) => {
  const family = familyOf({ id, version, name: id });
  expect("unsupported" in family ? family.unsupported : family.name).toMatch(expected);
});

test("the next Debian, which has no number yet, is not taken for one that is too old", () => {
  const sid = familyOf(parseOsRelease('PRETTY_NAME="Debian GNU/Linux forky/sid"\nID=debian\n'));
  expect(JSON.stringify(sid)).not.toMatch(/has no types for containers/);
});
