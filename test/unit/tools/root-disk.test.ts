import { byFirstWord, diskSchema, parseDisk, parseSpace } from "../../../provider/tools/root-disk.ts";
import { printed } from "../../support/recorded.ts";

test.each(["64MiB", "4GiB", "10GiB", "1536MiB", "15360GiB"])("%s is a size", (text) => {
  expect(diskSchema.parse(text)).toBe(text);
});

test.each(["", "10", "10GB", "10G", "1.5GiB", "-1GiB", "0GiB", "63MiB", "15361GiB", "4194304KiB", "4GiB\n"])(
  "%j is none",
  (text) => {
    expect(diskSchema.safeParse(text).error?.issues[0]?.message).toMatch(/whole number of MiB or GiB/);
  },
);

const layers = "/var/lib/svirt-lxc/roots/web/layers";
const file = `${layers}/disk.img 4294967296\n`;
const mounts = `${layers}/disk rw,nosuid rw,seclabel,minixdf 2147483648\n${layers}/mapped rw,nosuid rw,seclabel\n`;
const disks: [name: string, files: string, mounts: string, disk: ReturnType<typeof parseDisk>][] = [
  ["none", "", "", {}],
  ["mounted", file, mounts, { file: 4294967296, mounted: 2147483648 }],
  ["not mounted", file, "", { file: 4294967296 }],
  ["removed under its mount", "", mounts, { mounted: 2147483648 }],
  ["another root's", file.replace("web", "web-2"), mounts.replaceAll("web", "we"), {}],
];
test.each(disks)("a disk: %s", (_, files, found, disk) => {
  expect(parseDisk(byFirstWord(files), byFirstWord(found), layers)).toEqual(disk);
});

test("what is promised is what is not written yet; of a root that is being removed, nothing", () => {
  const lines = [
    "1000 600 4096",
    "/var/lib/svirt-lxc/roots/web/layers/disk.img 1048576 1024",
    "/var/lib/svirt-lxc/roots/full/layers/disk.img 1048576 4096",
    "/var/lib/svirt-lxc/roots/old.removed/layers/disk.img 1048576 0",
  ];
  expect(parseSpace(printed(`${lines.join("\n")}\n`))).toEqual({
    total: 4_096_000,
    free: 2_457_600,
    promised: new Map([
      ["web", 524_288],
      ["full", 0],
    ]),
  });
});

test("a disk that is recorded, and not made or not grown yet, is promised as well", () => {
  const lines = ["1000 600 4096", "/var/lib/svirt-lxc/roots/web/layers/disk.img 1048576 1024"];
  const recorded = new Map([
    ["web", 2_097_152],
    ["db", 1_048_576],
  ]);
  expect(parseSpace(printed(lines.join("\n")), recorded).promised).toEqual(
    new Map([
      ["web", 1_572_864],
      ["db", 1_048_576],
    ]),
  );
});
