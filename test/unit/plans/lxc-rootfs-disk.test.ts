import { lxcRootfs } from "../../../provider/resources/lxc-rootfs/index.ts";
import { diskUnmounted, onlyDisk, space, unmounted, withDisk } from "../../support/disk.ts";
import { rootfsInputs } from "../../support/inputs.ts";
import { given, plans, refusals, removals } from "../../support/plans.ts";
import { both, type Edits, says, swap, without } from "../../support/recorded.ts";

// The disk of a root: what limits its bytes and inodes.

type Inputs = Parameters<typeof lxcRootfs.plan>[1];
const inputs = rootfsInputs as Inputs;
const onlyImage = without(/roots\/web|slots\/0|LxcRootfs/);
const nothing = {
  store: onlyImage,
  mounts: says("@files\n@disks\n@mounts\n"),
  settings: says(""),
  domains: says(""),
  space: space(15),
};
const restart = ["stop-container", "count-revision", "unmount-root"];

plans(lxcRootfs, inputs, [
  ["as it was made", {}, []],
  ["as it is declared", { wants: { disk: "4GiB" } }, []],
  ["declared in another unit", { wants: { disk: "4096MiB" } }, []],

  // Growing stops nothing.
  ["declared larger", { wants: { disk: "6GiB" }, had: { disk: "4GiB" } }, ["record-disk", "grow-disk 6GiB"]],
  ["its growth was killed when it was recorded", { host: withDisk({ record: 6 }) }, ["grow-disk 6GiB"]],
  ["its growth was killed when the file had grown", { host: withDisk({ record: 6, file: 6 }) }, ["grow-disk 6GiB"]],
  ["it grew, and is declared no more", { host: withDisk({ record: 6, file: 6, mounted: 6 }) }, []],

  // Drift.
  ["its file is smaller", { host: withDisk({ file: 3 }) }, ["grow-disk 4GiB"]],
  ["it is not mounted", { host: { mounts: diskUnmounted } }, [...restart, "mount-root"]],
  [
    "its unit is one that mounts no disk",
    { host: { mounts: without(/disk\.img \//) } },
    [...restart, "write-unit", "reload-systemd", "mount-root"],
  ],
  ["its size is not recorded", { host: { store: swap(',"disk":"4GiB"', "") } }, ["record-root"]],

  [
    "a create that was killed when it had its disk",
    {
      host: {
        ...nothing,
        store: without(/roots\/web/),
        mounts: onlyDisk,
      },
    },
    ["create-folders", "record-root", "count-revision", "write-unit", "enable-unit", "reload-systemd", "mount-root"],
  ],
]);

removals(lxcRootfs, inputs, [
  [
    "only its disk is mounted, by no unit",
    {
      host: {
        mounts: both(swap(/^.*(?=@disks)/s, "@files\n"), without(/guest\/root rw,/)),
        settings: says(""),
        domains: says(""),
      },
    },
    ["unmount-root", "release-image", "remove-root", "free-slot 0"],
  ],
]);

refusals(lxcRootfs, inputs, [
  ["a smaller one", { wants: { disk: "2GiB" } }, ["disk-shrink", /^/, /rebuild.* is lost/]],
  [
    "it was made larger by hand, and stays so",
    { host: withDisk({ file: 6, mounted: 6 }) },
    ["disk-shrink", /^/, /keep the size that it has/],
  ],
  [
    "a new one for which the host has not enough free",
    { host: { ...nothing, space: space(4.5) } },
    ["disk-space", /4\.5 GiB free.* 0\.0 GiB are promised.* 1\.0 GiB \(5 %/, /smaller size, free space/],
  ],
  [
    "a new one for which others were promised too much",
    { host: { ...nothing, space: space(15, 11) } },
    ["disk-space", /15\.0 GiB free.* 11\.0 GiB are promised/, /smaller size, free space/],
  ],
  [
    "growth beyond what the host has free",
    { host: { space: space(7, 2) }, wants: { disk: "9GiB" } },
    ["disk-space", /7\.0 GiB free/, /smaller size, free space/],
  ],
  [
    "its file was removed while it is mounted",
    { host: withDisk({ file: 0 }) },
    ["disk-lost", /disk\.img is not there/, /losetup/],
  ],
  [
    "its file was removed after it was unmounted",
    {
      host: {
        mounts: both(swap(/@disks\n.*\n/, "@disks\n"), both(swap("=active", "=inactive"), unmounted)),
        settings: says(""),
        domains: swap("@domain yes running", "@domain yes shut off"),
      },
    },
    ["disk-missing", /disk\.img is not there/, /put the file back.* or change `rebuild`/],
  ],
  [
    "the root is mounted without it",
    { host: { mounts: both(swap(/@disks\n.*\n/, "@disks\n"), diskUnmounted) } },
    ["disk-missing", /disk\.img is not there/, /put the file back.* or change `rebuild`/],
  ],
]);

test("what can be promised is promised to the last byte", () => {
  const problem = (free: number, promised: number) => {
    const { observed, desired } = given(lxcRootfs, inputs, { host: { ...nothing, space: space(free, promised) } });
    return lxcRootfs.precondition!(observed, desired)?.code;
  };
  expect([problem(15, 10), problem(15, 10.001)]).toEqual([undefined, "disk-space"]);
});

const limits: [name: string, host: Edits, wants: Partial<Inputs>, disk: string | undefined][] = [
  ["as it was made", {}, {}, undefined],
  ["as declared", {}, { disk: "4096MiB" }, undefined],
  ["its file is smaller", withDisk({ file: 3 }), {}, "3GiB"],
  ["it was made larger", withDisk({ file: 6, mounted: 6 }), { disk: "4GiB" }, "6GiB"],
  ["the file system did not grow with its file", withDisk({ record: 6, file: 6 }), { disk: "6GiB" }, "4GiB"],
];
test.each(limits)("what a refresh names: %s", (_, host, wants, expected) => {
  const { observed, desired } = given(lxcRootfs, inputs, { host, wants });
  expect((lxcRootfs.actualInputs(observed, desired) as Partial<Inputs>).disk).toBe(expected);
});

describe("a notice", () => {
  const notices = (host: Edits) => {
    const { observed, desired } = given(lxcRootfs, inputs, { host });
    return lxcRootfs.notices!(observed, desired);
  };
  test("is not given where the host can keep what it has promised", () => {
    expect(notices({})).toEqual([]);
  });
  test("is given where the host was filled by others", () => {
    expect(notices({ space: space(3, 4) })).toEqual([expect.stringMatching(/too little space.* 3\.0 GiB free/)]);
  });
});

test("a smaller disk is refused by a preview, by its path, unless the root is made anew", async () => {
  const check = async (news: Partial<Inputs>) => {
    const olds = { ...inputs, disk: "4GiB" };
    const { failures } = await lxcRootfs.resolve!.run({ ...olds, ...news }, olds);
    return failures.map(({ property, reason }) => `${property} ${reason}`);
  };
  expect(await check({ disk: "2GiB" })).toEqual([
    expect.stringMatching(/^disk cannot shrink from 4GiB to 2GiB: .*rebuild/),
  ]);
  expect(await check({ disk: "8GiB" })).toEqual([]);
  expect(await check({ disk: undefined })).toEqual([]);
  expect(await check({ disk: "2GiB", rebuild: "1" })).toEqual([]);
});
