import { type MountState, parseMounts, rootUnit } from "../../../provider/tools/root-mount.ts";
import { IMAGE } from "../../support/inputs.ts";
import { added, both, type Edit, recordedOutcome, says, swap, without } from "../../support/recorded.ts";

const parse = (name: string, edit?: Edit) => parseMounts(recordedOutcome("mounts", edit), name);
const label = "system_u:object_r:svirt_lxc_root_t:s0:c0,c512";
const unit = rootUnit({ name: "web", image: IMAGE, idmap: { start: 1879048192, count: 65536 }, label });
const recorded: MountState = {
  disk: { file: 4294967296, mounted: 4294967296 },
  unit,
  active: true,
  enabled: true,
  fresh: true,
  label,
};
const none: MountState = {
  disk: {},
  unit: undefined,
  active: false,
  enabled: false,
  fresh: true,
  label: undefined,
};

test("the recorded root: its unit is, to the letter, the one that is written", () => {
  expect(parse("web")).toEqual(recorded);
});

const changes: [name: string, edit: Edit, change: Partial<MountState>][] = [
  ["inactive", swap("ActiveState=active", "ActiveState=inactive"), { active: false }],
  ["failed", swap("ActiveState=active", "ActiveState=failed"), { active: false }],
  ["on its way", swap("ActiveState=active", "ActiveState=activating"), { active: false }],
  ["disabled", swap("State=enabled", "State=disabled"), { enabled: false }],
  ["enabled until the next boot", swap("State=enabled", "State=enabled-runtime"), { enabled: false }],
  ["edited", swap("NeedDaemonReload=no", "NeedDaemonReload=yes"), { fresh: false }],
  ["another text", swap("nodev,", ""), { unit: unit.replaceAll("nodev,", ""), label }],
  ["not mounted", without(/guest\/root rw,/), { label: undefined }],
  ["mounted without a context", swap(/rw,context=".*?",/, "rw,"), { label: undefined }],
  ["another pair", swap(/(?<=rw,context=".*)c0,c512/, "c9,c521"), { label: label.replace("c0,c512", "c9,c521") }],
  // findmnt's raw output escapes what is special in its format, which versions see differently.
  ["quotes in hexadecimal", swap(/rw,context="(.*?)",/, "rw,context=\\x22$1\\x22,"), {}],
  ["no quotes", swap(/rw,context="(.*?)",/, "rw,context=$1,"), {}],
];
test.each(changes)("a root: %s", (_, edit, change) => {
  expect(parse("web", edit)).toEqual({ ...recorded, ...change });
});

test("a host without roots", () => {
  expect(parse("web", says("@files\n@disks\n@mounts\n"))).toEqual(none);
});

// As a refresh sees them: all at once.
const two: Edit = both(
  // Of both the states, then the files.
  (text) =>
    text.replace(/^(.*?)(@files\n)(.*?)(?=@disks)/s, (_, states, head, files) =>
      [states, swap("root-web", "root-web-2")(`\n${states}`), head, files, swap("root-web", "root-web-2")(files)].join(
        "",
      ),
    ),
  (text) =>
    text
      .replace("@disks\n", "@disks\n/var/lib/svirt-lxc/roots/web-2/layers/disk.img 1048576\n")
      .replace(
        "@mounts\n",
        `@mounts\n/var/lib/containers/x rw rw,context="a:b:c:s0:c1,c2"\n/var/lib/svirt-lxc/roots/web-2/guest/root rw rw,context="a:b:c:s0:c3,c4"\n`,
      ),
);
test("roots whose names begin alike, and other tools' overlays, are told apart", () => {
  expect(parse("web", two)).toEqual(recorded);
  expect(parse("web-2", two)).toMatchObject({
    disk: { file: 1048576 },
    unit,
    label: "a:b:c:s0:c3,c4",
  });
  expect(parse("eb", two)).toEqual(none);
  expect(parse("web", added("/elsewhere/web rw rw"))).toEqual(recorded);
});
