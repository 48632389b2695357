import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { Step } from "../../../provider/host/batch.ts";
import { DAMAGED, removeRecord, STORE, writeRecord } from "../../../provider/host/records.ts";
import {
  claimOf,
  claimPath,
  claimSteps,
  claimsOf,
  parseStore,
  type Store,
  storeRead,
  withRecordsOf,
} from "../../../provider/host/store.ts";
import { removeFolder } from "../../../provider/tools/images.ts";
import { DAMAGE } from "../../support/recorded.ts";

// The steps and the look, as they are, on a store elsewhere.
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
const store = join(folder, "lib", "store");
beforeEach(() => {
  rmSync(folder, { recursive: true });
  mkdirSync(join(folder, "lib", "other"), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

type Command = Pick<Step, "argv" | "stdin">;
function spawn({ argv, stdin = "" }: Command, env = process.env) {
  const [command = "", ...args] = argv.map((word) => word.replaceAll(STORE, store));
  return spawnSync(command, args, { input: stdin, encoding: "utf8", env });
}
function run(command: Command, env?: NodeJS.ProcessEnv): string {
  const { stdout, stderr, status } = spawn(command, env);
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return stdout;
}
const look = () => parseStore({ exit: 0, stdout: run(storeRead), stderr: "" });
const writing = (path: string, record: object) => writeRecord({ id: "write", title: "Writing" }, path, record);
const write = (path: string, record: object) => run(writing(path, record));
/** Somebody's hand, or a disk. */
function scribble(path: string, text: string): void {
  mkdirSync(dirname(join(store, path)), { recursive: true });
  writeFileSync(join(store, path), text);
}
const IMAGE = "f".repeat(64);
const ROOT = {
  owner: "a/b/c/d",
  instance: "11111111-2222-4333-8444-555555555555",
  slot: 4092,
  image: IMAGE,
  revision: 3,
  units: ["a.service"],
  masks: [],
  users: ["ada"],
  files: ["/etc/motd"],
  seeded: { identity: true },
  disk: "4GiB",
  passwordHash: "x+/=",
};
const claim = z.looseObject({ wants: z.string().optional() });
const remove = (path: string) => run(removeRecord({ id: "remove", title: "Removing" }, path));

test("no store is an empty one", () => {
  const { slots, claims, images, roots } = look();
  expect([slots.size, claims.size, images.size, roots.size]).toEqual([0, 0, 0, 0]);
});

test("records are read as they were written", () => {
  write("slots/4092", { owner: "a/b/c/d", name: "web" });
  write("roots/web/root.json", ROOT);
  write(`images/${IMAGE}/image.json`, { sha256: IMAGE });
  write(claimPath("libvirt", "a/b/c/d"), { wants: "n" });
  const found = look();
  expect(found.slots).toEqual(new Map([[4092, { owner: "a/b/c/d", name: "web" }]]));
  expect(found.roots).toEqual(new Map([["web", ROOT]]));
  expect(found.images).toEqual(new Map([[IMAGE, { sha256: IMAGE }]]));
  expect(claimsOf(found, "libvirt", claim)).toEqual(new Map([["a/b/c/d", { wants: "n" }]]));
  expect(found.folders).toEqual(new Set([`images/${IMAGE}`, "roots/web"]));
});

const records: [path: string, read: (store: Store) => unknown][] = [
  ["slots/7", ({ slots }) => slots.get(7)],
  ["roots/web/root.json", ({ roots }) => roots.get("web")],
  [`images/${IMAGE}/image.json`, ({ images }) => images.get(IMAGE)],
  [claimPath("libvirt", "a/b"), (store) => claimOf(store, "libvirt", "a/b", z.object({ network: z.string() }))],
];
const damage = [...DAMAGE, ["too long", `"${"x".repeat(70_000)}"`], ["half a line", '{"owner": "a",\n']];
test.each(records.flatMap(([path, read]) => damage.map(([how, text]) => [path, how, text, read] as const)))(
  "the record %s that is damaged (%s) counts as there, and no other does",
  (path, _, text, read) => {
    for (const [other] of records) if (other !== path) scribble(other, VALID[other]!);
    scribble(path, text!);
    const found = look();
    expect(read(found)).toBe(DAMAGED);
    for (const [other, readOther] of records)
      if (other !== path) expect(readOther(found)).toEqual(JSON.parse(VALID[other]!));
  },
);
const VALID: Record<string, string> = {
  "slots/7": '{"owner":"a","name":"b"}',
  "roots/web/root.json": JSON.stringify(ROOT),
  [`images/${IMAGE}/image.json`]: `{"sha256":"${IMAGE}"}`,
  [claimPath("libvirt", "a/b")]: '{"network":"n"}',
};

test("a folder or a link in the place of a record is a damaged one", () => {
  mkdirSync(join(store, "slots", "3"), { recursive: true });
  symlinkSync("/nowhere", join(store, "slots", "4"));
  expect([...look().slots]).toEqual([
    [3, DAMAGED],
    [4, DAMAGED],
  ]);
});

test("a record that somebody has laid out by hand is one", () => {
  scribble("slots/7", '{\n  "owner": "a",\n  "name": "b"\n}\n\n');
  expect(look().slots.get(7)).toEqual({ owner: "a", name: "b" });
});

const strays = ["slots/0~", "slots/%zz", "slots/.7.swp", "slots/7.new", "slots/x", "claims/x", "claims/libvirt/a.new"];
test.each([
  ...strays,
  "roots/%zz/root.json",
  "roots/a.b/root.json",
  "images/0~/image.json",
  "a:b",
  "slots/a\n./slots/9:x",
])("the stray file %j is none", (path) => {
  scribble(path, '{"owner":"a","name":"b"}');
  const { slots, claims, images, roots } = look();
  expect([slots.size, claims.size, images.size, roots.size]).toEqual([0, 0, 0, 0]);
});

test("a claim whose name cannot be read counts, under that name", () => {
  scribble("claims/libvirt/%zz", "{}");
  expect([...look().claims.get("libvirt")!.keys()]).toEqual(["%zz"]);
});

test("a record outlives a power cut: its content is on the disk before its name, and its name before the step ends", () => {
  const bin = join(folder, "bin");
  const log = join(folder, "log");
  mkdirSync(bin);
  writeFileSync(
    join(bin, "sync"),
    `#!/bin/sh\nfor f; do echo "$(realpath "$f") $(ls ${store}/slots)" >>${log}; done\nexec /bin/sync "$@"\n`,
    { mode: 0o755 },
  );
  run(writing("slots/0", { owner: "a", name: "b" }), { ...process.env, PATH: `${bin}:${process.env.PATH}` });
  expect(readFileSync(log, "utf8").trim().split("\n")).toEqual([
    `${store}/slots/0.new 0.new`,
    `${store}/slots 0`,
    `${store} 0`,
    `${folder}/lib 0`,
  ]);
});

test("a full disk leaves the record that was there, and the step fails", () => {
  write("slots/0", { owner: "a", name: "b" });
  symlinkSync("/dev/full", join(store, "slots/0.new"));
  const { status, stderr } = spawn(writing("slots/0", { owner: "c", name: "d" }));
  expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining("No space left") });
  expect(look().slots).toEqual(new Map([[0, { owner: "a", name: "b" }]]));
  expect(readdirSync(join(store, "slots"))).toEqual(["0"]);
});

test("a record that is written again is replaced", () => {
  write("slots/0", { owner: "a", name: "x".repeat(1000) });
  write("slots/0", { owner: "b", name: "y" });
  expect(look().slots).toEqual(new Map([[0, { owner: "b", name: "y" }]]));
  expect(readdirSync(join(store, "slots"))).toEqual(["0"]);
});

test("a claim under another name stands for the former one", () => {
  const schema = z.object({ version: z.number() });
  const store = () => claimsOf(look(), "policy", schema);
  for (const step of claimSteps(undefined, look(), "policy", "p/s/K/old", { version: 1 })) run(step);
  expect(claimSteps(store().get("p/s/K/old"), look(), "policy", "p/s/K/old", { version: 1 })).toEqual([]);
  const steps = claimSteps(undefined, look(), "policy", "p/s/K/new", { version: 1 }, "p/s/K/old");
  expect(steps).toHaveLength(1);
  run(steps[0]!);
  expect(store()).toEqual(new Map([["p/s/K/new", { version: 1 }]]));
});

// Pulumi allows all of these in the name of a resource.
const owners = [
  "p/s/LxcImage/web",
  "p/s/K/my web",
  "p/s/K/a:b",
  'p/s/K/it\'s "x" $(y)',
  "p/s/K/50%",
  "p/s/K/köln",
  "p/s/K/web.new",
  "-n",
  "..",
  "p/s/K/*",
];
test.each(owners)("a claim of %s", (owner) => {
  write(claimPath("image-1", owner), { wants: `${owner}: {"x":1}\n` });
  write(claimPath("image-1", "other"), {});
  const claims = claimsOf(look(), "image-1", claim);
  expect(claims.get(owner)).toEqual({ wants: `${owner}: {"x":1}\n` });
  expect(claims.size).toBe(2);
  remove(claimPath("image-1", owner));
  expect([...look().claims.get("image-1")!.keys()]).toEqual(["other"]);
});

test("claims that differ by an ending do not touch each other", () => {
  write(claimPath("x", "web.new"), { of: "web.new" });
  write(claimPath("x", "web"), { of: "web" });
  expect(claimsOf(look(), "x", claim)).toEqual(
    new Map([
      ["web", { of: "web" }],
      ["web.new", { of: "web.new" }],
    ]),
  );
});

test("what a container has in its root is no record", () => {
  write("roots/web/root.json", ROOT);
  for (const path of [
    "roots/web/guest/root/root.json",
    "roots/web/guest/root/slots/0",
    "roots/web/layers/image.json",
  ]) {
    mkdirSync(dirname(join(store, path)), { recursive: true });
    writeFileSync(join(store, path), '{"owner":"evil"}\n');
  }
  const { slots, images, roots } = look();
  expect([...roots]).toEqual([["web", ROOT]]);
  expect([slots.size, images.size]).toEqual([0, 0]);
});

test("the last record takes the store with it, but nothing besides", () => {
  write(claimPath("libvirt", "a/b"), {});
  write("slots/0", { owner: "a", name: "b" });
  remove("slots/0");
  expect(readdirSync(store)).toEqual(["claims"]);
  remove(claimPath("libvirt", "a/b"));
  expect(existsSync(store)).toBe(false);
  expect(existsSync(join(folder, "lib", "other"))).toBe(true);
});

test("to remove what is gone is no failure while the store is there", () => {
  write("slots/0", { owner: "a", name: "b" });
  mkdirSync(join(store, "claims", "x"), { recursive: true });
  remove(claimPath("x", "nobody"));
  expect(look().slots.size).toBe(1);
  expect(statSync(store).isDirectory()).toBe(true);
});

test("what steps are about to write and remove is foreseen as it will be found", () => {
  write("slots/1", { owner: "a/b/c/d", name: "web" });
  write("slots/10", { owner: "a/b/c/e", name: "db" });
  write("roots/web/root.json", ROOT);
  write(claimPath("libvirt", "a/b/c/d"), {});
  const steps = [
    writing("slots/2", { owner: "a/b/c/f", name: "mail" }),
    writeRecord(
      { id: "write", title: "Writing" },
      claimPath("libvirt", "a/b/c/x"),
      {},
      claimPath("libvirt", "a/b/c/d"),
    ),
    removeRecord({ id: "remove", title: "Removing" }, "slots/1"),
    removeFolder({ id: "remove", title: "Removing" }, "roots/web"),
  ];
  const results = new Map([[storeRead.key, { exit: 0, stdout: run(storeRead), stderr: "" }]]);
  const foreseen = parseStore(withRecordsOf(steps, results).get(storeRead.key)!);
  for (const step of steps) run(step);
  expect(foreseen).toEqual(look());
  expect([...foreseen.slots.keys()].sort()).toEqual([10, 2]);
});
