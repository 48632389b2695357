import { converge, removeResource } from "../../../provider/engine/converge.ts";
import { Incomplete } from "../../../provider/engine/failure.ts";
import type { Step } from "../../../provider/host/batch.ts";
import { HostError } from "../../../provider/host/errors.ts";
import { parseStore } from "../../../provider/host/store.ts";
import { FakeHost } from "../../support/fake-host.ts";
import { add, inputs, type ThingsObserved, things } from "../../support/things.ts";

/** How each of several ended: what is there, or the error. */
async function all(...work: Promise<ThingsObserved>[]): Promise<unknown[]> {
  const ended = await Promise.allSettled(work);
  return ended.map((one) => (one.status === "fulfilled" ? one.value.there : one.reason));
}

const named = (name: string) => ({ ...things(), hostName: () => name });

test("what arrives together is looked at once, and done in one batch", async () => {
  const host = new FakeHost();
  const work = ["x", "y", "z"].map((name) => converge(named(name), host, inputs(name)));
  expect(await all(...work)).toEqual([
    ["x", "y", "z"],
    ["x", "y", "z"],
    ["x", "y", "z"],
  ]);
  expect(host.trips).toEqual(["look", "locked: add x, add y, add z"]);
});

test("what arrives while the host is busy goes together after that, by what it is like then", async () => {
  const host = new FakeHost();
  const later: Promise<ThingsObserved>[] = [];
  host.meanwhile = (trip) => {
    if (trip === 1 && later.length === 0)
      for (const name of ["y", "z"]) later.push(converge(named(name), host, inputs(name)));
  };
  await converge(named("x"), host, inputs("x"));
  await all(...later);
  expect(host.trips).toEqual(["look", "locked: add x", "look", "locked: add y, add z"]);
});

test("one that fails ends the batch: those before it are done, those behind it are planned anew", async () => {
  const host = new FakeHost();
  host.on.set("add y", () => ({ exit: 1, stderr: "no y" }));
  const work = ["x", "y", "z"].map((name) => converge(named(name), host, inputs(name)));
  const [x, y, z] = await all(...work);
  expect(x).toEqual(["x"]);
  expect(y).toMatchObject({ problem: { what: 'Things y: failed at the step "Adding y"', why: "exit code 1\nno y" } });
  expect((y as Incomplete<ThingsObserved>).observed?.there).toEqual(["x"]);
  expect(z).toEqual(["x", "z"]);
  expect(host.trips).toEqual(["look", "locked: add x, add y, add z", "locked: add z"]);
});

test("one that has nothing to do is done with, and one that must not be is refused, without the others", async () => {
  const host = new FakeHost("x");
  const refused = { ...named("y"), precondition: () => ({ code: "no", what: "y must not be" }) };
  const work = [
    converge(named("x"), host, inputs("x")),
    converge(refused, host, inputs("y")),
    converge(named("z"), host, inputs("z")),
  ];
  const [x, y, z] = await all(...work);
  expect(x).toEqual(["x"]);
  expect(y).toBeInstanceOf(HostError);
  expect(z).toEqual(["x", "z"]);
  expect(host.trips).toEqual(["look", "locked: add z"]);
});

test("that something must not be, or is there, is never said by what others are about to do", async () => {
  const host = new FakeHost();
  const record = (path: string): Step => ({ ...add(path), records: [{ path, text: "{}" }] });
  // Each takes the lowest number that nobody has.
  const numbered = (name: string) =>
    things({
      hostName: () => name,
      reads: () => [
        { key: "things", argv: [] },
        { key: "store", argv: [] },
      ],
      parse: (results) => ({
        there: [...parseStore(results.get("store")!).slots.keys()].map(String),
        host: { big: results.get("things")!.stdout },
      }),
      plan: ({ there: taken, host }) => {
        if (host!.big.includes("slots/0")) return [];
        if (taken.includes("0")) throw new HostError({ code: "full", what: "no number is left" });
        return [record("slots/0")];
      },
    });
  host.look = () => ({ exit: 0, stdout: [...host.things].join("\n"), stderr: "" });
  const both = await all(converge(numbered("x"), host, inputs()), converge(numbered("y"), host, inputs()));
  expect(both).toEqual([expect.any(Array), expect.any(Array)]);
  expect(host.trips).toEqual(["look", "locked: add slots/0"]);
});

test("a connection that breaks leaves each of the batch unknown, and tries those that came later", async () => {
  const host = new FakeHost();
  const later: Promise<ThingsObserved>[] = [];
  host.meanwhile = (trip) => {
    if (trip !== 1 || later.length > 0) return;
    later.push(converge(named("z"), host, inputs("z")));
    throw new HostError({ code: "connection-lost", what: "the connection broke" });
  };
  const lost = await all(...["x", "y"].map((name) => converge(named(name), host, inputs(name))));
  for (const error of lost) {
    expect(error).toBeInstanceOf(Incomplete);
    expect((error as Incomplete<unknown>).observed).toBeUndefined();
  }
  // What is recorded of each goes with its error.
  expect(lost[0]).not.toBe(lost[1]);
  expect(await all(...later)).toEqual([["z"]]);
});

test("a host that cannot be looked at is an error of each that waits", async () => {
  const host = new FakeHost();
  host.meanwhile = () => {
    throw new HostError({ code: "unreachable", what: "cannot reach the host" });
  };
  const ended = await all(...["x", "y"].map((name) => converge(named(name), host, inputs(name))));
  expect(ended).toMatchObject([{ problem: { code: "unreachable" } }, { problem: { code: "unreachable" } }]);
});

test("what has the host restart goes alone, when the others are done", async () => {
  const host = new FakeHost();
  const restarts = things({
    hostName: () => "x",
    plan: ({ there }) => (there.includes("x") ? [] : [{ ...add("x"), restart: { ready: [], timeout: 1 } }]),
  });
  const work = [named("a"), restarts, named("z")].map((kind, i) => converge(kind, host, inputs("axz"[i]!)));
  await all(...work);
  expect(host.trips).toEqual([
    "look",
    "locked: add a",
    "locked: add x",
    "waits for a boot after this",
    "look",
    "locked: add z",
  ]);
});

// Whoever looks at "busy" finds it changed each time, until it is not any more.
test.each<[string, number, unknown]>([
  ["without end", Number.POSITIVE_INFINITY, { problem: { code: "host-keeps-changing" } }],
  ["for a while", 8, ["y"]],
])("what makes a batch outdated %s is looked at by its own resource alone, in the end", async (_, until, ended) => {
  const host = new FakeHost();
  const busy = { ...named("y"), reads: () => [{ key: "busy", argv: [] }], parse: () => ({ there: [...host.things] }) };
  host.changing = "busy";
  host.meanwhile = (trip) => {
    if (trip >= until) host.changing = undefined;
  };
  const [y, x] = await all(converge(busy, host, inputs("y")), converge(named("x"), host, inputs("x")));
  expect(y).toMatchObject(ended as object);
  expect(x).toContain("x");
});

test("a batch has one kind, and each resource once", async () => {
  const host = new FakeHost();
  const other = { ...named("y"), token: "Others" };
  const work = [
    converge(named("x"), host, inputs("x")),
    converge(other, host, inputs("y")),
    converge(named("x"), host, inputs("z")),
    converge(named("w"), host, inputs("w")),
  ];
  await all(...work);
  expect(host.trips).toEqual(["look", "locked: add x, add w", "locked: add y", "locked: add z"]);
});

test("what is refused because of something that goes in front of it is tried when that is gone", async () => {
  const host = new FakeHost("full");
  const needs = {
    ...named("y"),
    precondition: ({ there }: ThingsObserved) =>
      there.includes("full") ? { code: "disk-space", what: "no space" } : undefined,
  };
  const work = [removeResource(named("x"), host, inputs("full")), converge(needs, host, inputs("y"))];
  await Promise.all(work);
  expect([...host.things]).toEqual(["y"]);
});

test("removals go together, too", async () => {
  const host = new FakeHost("x", "y");
  await Promise.all(["x", "y"].map((name) => removeResource(named(name), host, inputs(name))));
  expect(host.trips).toEqual(["look", "locked: remove x, remove y"]);
  expect(host.things.size).toBe(0);
});
