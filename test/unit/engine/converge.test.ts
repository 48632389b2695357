import { converge } from "../../../provider/engine/converge.ts";
import { Incomplete } from "../../../provider/engine/failure.ts";
import { HostError } from "../../../provider/host/errors.ts";
import { FakeHost } from "../../support/fake-host.ts";
import { add, inputs, things } from "../../support/things.ts";

const there = (o: { there: string[] }) => o.there;

/** What was thrown. */
async function errorOf(work: Promise<unknown>): Promise<HostError> {
  const error = await work.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(HostError);
  return error as HostError;
}

test("nothing to do is one look", async () => {
  const host = new FakeHost("x", "y");
  expect(there(await converge(things(), host, inputs("x")))).toEqual(["x", "y"]);
  expect(host.trips).toEqual(["look"]);
});

test("a change is two round trips: a look, and all steps under the host's lock", async () => {
  const host = new FakeHost();
  expect(there(await converge(things(), host, inputs("x", "y")))).toEqual(["x", "y"]);
  expect(host.trips).toEqual(["look", "locked: add x, add y"]);
});

test("what is there already of an interrupted run is not done again", async () => {
  const host = new FakeHost("x");
  await converge(things(), host, inputs("x", "y"));
  expect(host.trips).toEqual(["look", "locked: add y"]);
});

test("a host that changed between look and lock is planned for anew", async () => {
  const host = new FakeHost();
  host.meanwhile = (trip) => trip === 1 && host.things.add("y");
  expect(there(await converge(things(), host, inputs("x", "y")))).toEqual(["x", "y"]);
  expect(host.trips).toEqual(["look", "stale: add x, add y", "locked: add x"]);
});

test("a host that changes without end is an error, and nothing was done to it", async () => {
  const host = new FakeHost();
  host.meanwhile = (trip) => host.things.add(`other ${trip}`);
  const { message } = await errorOf(converge(things(), host, inputs("x")));
  expect(message).toMatch(/changed 20 times between looking and acting/);
  expect(host.trips.filter((t) => !t.startsWith("stale"))).toEqual(["look"]);
  expect(host.things.has("x")).toBe(false);
});

test("what shows only when something else is done is done then", async () => {
  const kind = things({
    plan: ({ there }) => (there.includes("x") ? (there.includes("y") ? [] : [add("y")]) : [add("x")]),
  });
  const host = new FakeHost();
  expect(there(await converge(kind, host, inputs("x", "y")))).toEqual(["x", "y"]);
  expect(host.trips).toEqual(["look", "locked: add x", "locked: add y"]);
});

test("what is done and is still to do is not tried again and again: it is said what is left", async () => {
  const host = new FakeHost();
  host.on.set("add x", () => ({ exit: 0 }));
  const error = await errorOf(converge(things(), host, inputs("x", "y")));
  expect(error).toBeInstanceOf(Incomplete);
  expect(error.message).toMatch(/Things a is not what it should be, though every step succeeded/);
  expect(error.problem).toMatchObject({
    where: "fake",
    why: "left to do: Adding x (add x)",
    remedy: expect.anything(),
  });
  expect((error as Incomplete<{ there: string[] }>).observed?.there).toEqual(["y"]);
  expect(host.trips).toEqual(["look", "locked: add x, add y"]);
});

test("what is done, and is still to do with another number in its record, is not tried again either", async () => {
  let tries = 0;
  const kind = things({ plan: () => [{ ...add("x"), stdin: `revision ${++tries}` }] });
  const host = new FakeHost();
  host.on.set("add x", () => ({ exit: 0 }));
  expect((await errorOf(converge(kind, host, inputs("x")))).message).toMatch(/left to do: Adding x/);
  expect(host.trips).toEqual(["look", "locked: add x"]);
});

test("what cannot go on after it has begun leaves behind what the host is like", async () => {
  const kind = things({
    plan: ({ there }) => (there.includes("x") ? [] : [add("x")]),
    precondition: ({ there }) => (there.includes("x") ? { code: "in-the-way", what: "x is in the way" } : undefined),
  });
  const error = (await errorOf(converge(kind, new FakeHost(), inputs("x")))) as Incomplete<{ there: string[] }>;
  expect(error.message).toMatch(/x is in the way/);
  expect(error.observed?.there).toEqual(["x"]);
});

describe("a step that has the host restart", () => {
  const restart = { ready: ["ready"], timeout: 1800 };
  const kind = things({
    plan: ({ there }) => (there.includes("x") ? (there.includes("y") ? [] : [add("y")]) : [{ ...add("x"), restart }]),
  });

  test("is waited for, and what follows is planned on what came back", async () => {
    const host = new FakeHost();
    host.restarted = () => host.things.add("z");
    expect(there(await converge(kind, host, inputs("x", "y")))).toEqual(["x", "y", "z"]);
    expect(host.trips).toEqual(["look", "locked: add x", "waits for a boot after this", "look", "locked: add y"]);
  });

  test("happens once, also where it has led to nothing", async () => {
    const host = new FakeHost();
    host.restarted = () => host.things.delete("x");
    expect(await errorOf(converge(kind, host, inputs("x")))).toMatchObject({ problem: { code: "not-converged" } });
    expect(host.trips).toEqual(["look", "locked: add x", "waits for a boot after this", "look"]);
  });

  test("and does not come back in time: what there was before is recorded", async () => {
    const host = new FakeHost();
    host.restarted = () => {
      throw new HostError({ code: "not-back", what: "it is not back" });
    };
    const error = (await errorOf(converge(kind, host, inputs("x")))) as Incomplete<{ there: string[] }>;
    expect(error.problem.code).toBe("not-back");
    expect(error.observed?.there).toEqual(["x"]);
  });
});

describe("a step that fails", () => {
  const secret = { ...add("y"), stdin: "s3cret", argv: ["add", "y", "two words", "a\nscript"] };
  const kind = things({ plan: ({ there }) => (there.includes("y") ? [] : [add("x"), secret]) });
  const fail = (exit: number, stdout = "", stderr = "") => {
    const host = new FakeHost();
    host.on.set("add y", () => ({ exit, stdout, stderr }));
    return host;
  };

  test("says which, where, why and what to do, without secrets and scripts", async () => {
    const { problem } = await errorOf(converge(kind, fail(3, "", "E: no space left\n"), inputs()));
    expect(problem).toEqual({
      code: "step-failed",
      what: 'Things a: failed at the step "Adding y"',
      where: "fake: add y 'two words' '…'",
      why: "exit code 3\nE: no space left",
      remedy: expect.stringMatching(/same command.*continues/),
    });
    expect(JSON.stringify(problem)).not.toContain("s3cret");
  });

  test("leaves behind what the host is like", async () => {
    const error = (await errorOf(converge(kind, fail(3), inputs()))) as Incomplete<{ there: string[] }>;
    expect(error.observed?.there).toEqual(["x"]);
  });

  test.each([124, 137])("by exit code %i took too long", async (exit) => {
    expect((await errorOf(converge(kind, fail(exit), inputs()))).problem.why).toBe("it took too long");
  });

  test("shows the last lines of what it printed", async () => {
    const lines = Array.from({ length: 50 }, (_, i) => `line ${i}`).join("\n");
    const { why } = (await errorOf(converge(kind, fail(1, "", lines), inputs()))).problem;
    expect(why!.split("\n")).toHaveLength(9);
    expect(why).toMatch(/line 49$/);
  });

  test("shows all of a report, and no exit code, which says nothing more", async () => {
    const lines = Array.from({ length: 30 }, (_, i) => `line ${i}`).join("\n");
    const host = fail(3, "", lines);
    const { plan } = kind;
    const reporting = { ...kind, plan: (o: never, i: never) => plan(o, i).map((s) => ({ ...s, report: true })) };
    expect((await errorOf(converge(reporting as typeof kind, host, inputs()))).problem.why).toBe(lines);
  });

  test("is what is told, even when the host cannot be looked at afterwards", async () => {
    const host = fail(3, "", "E: broken");
    host.on.set("add x", () => {
      host.look = () => ({ exit: 1, stdout: "", stderr: "cannot look" });
      return undefined;
    });
    const error = await errorOf(converge(kind, host, inputs()));
    expect(error.message).toMatch(/failed at the step "Adding y".*E: broken/s);
    expect((error as Incomplete<object>).observed).toBeUndefined();
  });
});

test.each([
  ["first", [{ ...add("x"), ok: [0, 3] }, add("y")]],
  ["last", [add("y"), { ...add("x"), ok: [0, 3] }]],
])("a code that counts as done is no failure of the %s step", async (_, steps) => {
  const host = new FakeHost();
  const kind = things({ plan: ({ there }) => (there.includes("y") ? [] : steps) });
  host.on.set("add x", () => ({ exit: 3 }));
  expect(there(await converge(kind, host, inputs("y")))).toEqual(["y"]);
});

describe("long steps", () => {
  const before = { ...add("image"), phase: "before" as const };
  const after = { ...add("boot"), phase: "after" as const };
  const kind = things({
    plan: ({ there }) => [
      ...(there.includes("image") ? [] : [before]),
      ...(there.includes("x") ? [] : [add("x")]),
      ...(there.includes("boot") ? [] : [after]),
    ],
  });

  test("run outside of the lock, before and after the others", async () => {
    const host = new FakeHost();
    host.on.set("add image", () => ({ exit: 0 })); // beside, where nobody looks
    const put = { ...add("x"), id: "put", argv: ["add", "image"] };
    const staged = things({ plan: (o, i) => kind.plan(o, i).map((s) => (s.subject === "x" ? put : s)) });
    host.on.set("add boot", () => void host.things.add("x"));
    expect(there(await converge(staged, host, inputs()))).toEqual(["boot", "image", "x"]);
    expect(host.trips).toEqual(["look", "add image", "look", "locked: put x", "add boot", "look"]);
  });

  test("are followed by what shows only after them", async () => {
    const follows = things({
      plan: (o, i) => {
        const steps = kind.plan(o, i);
        return steps.length > 0 || o.there.includes("last") ? steps : [add("last")];
      },
    });
    const host = new FakeHost("image");
    await converge(follows, host, inputs());
    expect(host.trips).toEqual(["look", "locked: add x", "add boot", "look", "locked: add last"]);
  });

  test("that prepare are done once, however often it is planned anew", async () => {
    const host = new FakeHost();
    // An image that is unpacked beside counts only when it is put in place.
    const staged = things({
      plan: ({ there }) => (there.includes("x") ? [] : [{ ...before, argv: ["unpack"] }, add("x")]),
    });
    host.meanwhile = (trip) => trip === 3 && host.things.add("other");
    await converge(staged, host, inputs());
    expect(host.trips).toEqual(["look", "add image", "look", "stale: add x", "locked: add x"]);
  });

  test("that fail stop the rest", async () => {
    const host = new FakeHost();
    host.on.set("add image", () => ({ exit: 1 }));
    await errorOf(converge(kind, host, inputs()));
    expect(host.trips).toEqual(["look", "add image", "look"]);
  });

  test("that wait are left out when there is nothing to wait for", async () => {
    const host = new FakeHost("image", "x", "boot");
    await converge(kind, host, inputs());
    expect(host.trips).toEqual(["look"]);
  });
});

test("who refuses changes nothing, and says where", async () => {
  const host = new FakeHost("theirs");
  const kind = things({
    precondition: ({ there }) =>
      there.includes("theirs") ? { code: "theirs", what: "not ours", remedy: "rename" } : undefined,
  });
  const { problem } = await errorOf(converge(kind, host, inputs("x")));
  expect(problem).toEqual({ code: "theirs", what: "not ours", where: "fake, Things a", remedy: "rename" });
  expect(host.trips).toEqual(["look"]);
});

describe("what does not hold", () => {
  const kind = things({
    verify: ({ there }) =>
      there.includes("bad")
        ? {
            problem: { code: "bad", what: "it is bad" },
            containment: [{ id: "stop", title: "Stopping it", argv: ["remove", "bad"] }],
          }
        : undefined,
  });

  test("is made safe, and is an error with what is there", async () => {
    const host = new FakeHost();
    const error = await errorOf(converge(kind, host, inputs("bad")));
    expect(error).toBeInstanceOf(Incomplete);
    expect(error.message).toMatch(/^it is bad/);
    expect(host.trips).toEqual(["look", "locked: add bad", "look", "locked: stop"]);
    expect(host.things.size).toBe(0);
  });

  test("at a second look, is left alone", async () => {
    const host = new FakeHost("bad");
    host.meanwhile = (trip) => trip === 2 && host.things.delete("bad");
    expect(await converge(kind, host, inputs("x"))).toMatchObject({ there: ["x"] });
    expect(host.trips).toEqual(["look", "locked: add x", "look"]);
  });

  test("is made safe also when a later step fails, which is the error", async () => {
    const host = new FakeHost();
    host.on.set("add x", () => ({ exit: 1 }));
    const error = await errorOf(converge(kind, host, inputs("bad", "x")));
    expect(error.message).toMatch(/failed at the step "Adding x"/);
    expect(host.trips).toEqual(["look", "locked: add bad, add x", "look", "locked: stop"]);
    expect(host.things.size).toBe(0);
  });
});

test("a look that failed is an error, never an empty host", async () => {
  const host = new FakeHost();
  host.look = () => ({ exit: 1, stdout: "", stderr: "virsh: no connection" });
  const { problem } = await errorOf(converge(things(), host, inputs("x")));
  expect(problem).toMatchObject({
    what: "cannot observe Things a",
    where: "fake: list things",
    why: "exit code 1\nvirsh: no connection",
  });
  expect(host.trips).toEqual(["look"]);
});

test("two operations of this process on one host do not make each other's look outdated", async () => {
  const host = new FakeHost();
  await Promise.all([converge(things(), host, inputs("x")), converge(things(), host, inputs("y"))]);
  expect(host.trips.filter((t) => t.startsWith("stale"))).toEqual([]);
  expect([...host.things].sort()).toEqual(["x", "y"]);
});
