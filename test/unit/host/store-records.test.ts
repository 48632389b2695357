import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Step } from "../../../provider/host/batch.ts";
import {
  claimPath,
  claimSteps,
  parseStore,
  removeRecord,
  STORE,
  storeRead,
  writeRecord,
} from "../../../provider/host/store.ts";

// The steps and the look, as they are, on a store elsewhere.
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
const store = join(folder, "lib", "store");
beforeEach(() => {
  rmSync(folder, { recursive: true });
  mkdirSync(join(folder, "lib", "other"), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

function run({ argv, stdin = "" }: Pick<Step, "argv" | "stdin">): string {
  const [command = "", ...args] = argv.map((word) => word.replaceAll(STORE, store));
  const { stdout, stderr, status } = spawnSync(command, args, { input: stdin, encoding: "utf8" });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return stdout;
}
const look = () => parseStore({ exit: 0, stdout: run(storeRead), stderr: "" });
const write = (path: string, record: object) => run(writeRecord({ id: "write", title: "Writing" }, path, record));
const remove = (path: string) => run(removeRecord({ id: "remove", title: "Removing" }, path));

test("no store is an empty one", () => {
  const { slots, claims, images, roots } = look();
  expect([slots.size, claims.size, images.size, roots.size]).toEqual([0, 0, 0, 0]);
});

test("records are read as they were written", () => {
  const root = { owner: "a/b/c/d", slot: 4092, image: "f".repeat(64), revision: 3, passwordHash: "x+/=" };
  write("slots/4092", { owner: "a/b/c/d", name: "web" });
  write("roots/web/root.json", root);
  write(`images/${"f".repeat(64)}/image.json`, { sha256: "f".repeat(64) });
  write(claimPath("libvirt", "a/b/c/d"), { network: "n", subnet: "s" });
  const { slots, claims, images, roots } = look();
  expect(slots).toEqual(new Map([[4092, { owner: "a/b/c/d", name: "web" }]]));
  expect(roots).toEqual(new Map([["web", root]]));
  expect(images).toEqual(new Map([["f".repeat(64), { sha256: "f".repeat(64) }]]));
  expect(claims).toEqual(new Map([["libvirt", new Map([["a/b/c/d", { network: "n", subnet: "s" }]])]]));
});

test("a record that is written again is replaced", () => {
  write("slots/0", { owner: "a", name: "x".repeat(1000) });
  write("slots/0", { owner: "b", name: "y" });
  expect(look().slots).toEqual(new Map([[0, { owner: "b", name: "y" }]]));
  expect(readdirSync(join(store, "slots"))).toEqual(["0"]);
});

test("a claim under another name stands for the former one", () => {
  const store = () => look().claims.get("policy");
  for (const step of claimSteps(undefined, look(), "policy", "p/s/K/old", { version: 1 })) run(step);
  expect(claimSteps(store()!.get("p/s/K/old"), look(), "policy", "p/s/K/old", { version: 1 })).toEqual([]);
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
  const claim = look().claims.get("image-1");
  expect(claim?.get(owner)).toEqual({ wants: `${owner}: {"x":1}\n` });
  expect(claim?.size).toBe(2);
  remove(claimPath("image-1", owner));
  expect([...look().claims.get("image-1")!.keys()]).toEqual(["other"]);
});

test("claims that differ by an ending do not touch each other", () => {
  write(claimPath("x", "web.new"), { of: "web.new" });
  write(claimPath("x", "web"), { of: "web" });
  expect(look().claims.get("x")).toEqual(
    new Map([
      ["web", { of: "web" }],
      ["web.new", { of: "web.new" }],
    ]),
  );
});

test("what a container has in its root is no record", () => {
  write("roots/web/root.json", { owner: "a" });
  for (const path of [
    "roots/web/guest/root/root.json",
    "roots/web/guest/root/slots/0",
    "roots/web/layers/image.json",
  ]) {
    mkdirSync(dirname(join(store, path)), { recursive: true });
    writeFileSync(join(store, path), '{"owner":"evil"}\n');
  }
  const { slots, images, roots } = look();
  expect([...roots]).toEqual([["web", { owner: "a" }]]);
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
