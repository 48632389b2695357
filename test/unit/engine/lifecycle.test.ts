import { lifecycle } from "../../../provider/engine/lifecycle.ts";
import { HostError } from "../../../provider/host/errors.ts";
import { Session } from "../../../provider/host/session.ts";
import { FakeHost } from "../../support/fake-host.ts";
import { inputs, things } from "../../support/things.ts";

// The calls of Pulumi that reach a host, on one that is a fake: it stands behind every session.
let host: FakeHost;
const { run } = Session.prototype;
beforeEach(() => {
  host = new FakeHost();
  Session.prototype.run = (batch) => host.run(batch);
});
afterEach(() => {
  Session.prototype.run = run;
});

const kind = things();
const provider = lifecycle(kind, [kind]);
/** Each test is another host: sessions remember what they saw. */
let hosts = 0;
const of = (...names: string[]) => ({ ...inputs(...names), connection: { ssh: `fake-${hosts}` } });
beforeEach(() => {
  hosts++;
});

test("create: the id, and outputs that read and delete can live on", async () => {
  expect(await provider.create(of("x"))).toEqual({
    id: "things",
    outs: { ...of("x"), count: 1, observed: { there: ["x"] }, schemaVersion: 1 },
  });
});

test("create, and at once again: nothing is done twice", async () => {
  await provider.create(of("x"));
  await provider.create(of("x"));
  expect(host.trips).toEqual(["look", "locked: add x", "look"]);
});

test("an output that is made once is made at create, and stays through update, read and a failure", async () => {
  let made = 0;
  const generating = { ...kind, generatedOutputs: { serial: () => ++made } };
  const { create, update, read } = lifecycle(generating, [generating]);
  const { outs } = await create(of("x"));
  expect(outs).toMatchObject({ serial: 1 });
  expect((await update!("things", outs, of("x", "y"))).outs).toMatchObject({ serial: 1 });
  expect((await read!("things", outs)).props).toMatchObject({ serial: 1 });
  host.on.set("add z", () => ({ exit: 1 }));
  await expect(update!("things", outs, of("z"))).rejects.toMatchObject({ properties: { serial: 1 } });
  expect((await create(of("x"))).outs).toMatchObject({ serial: 2 });
  host.run = async (batch) => {
    if (batch.steps?.length) throw new HostError({ code: "connection-lost", what: "the connection is lost" });
    return FakeHost.prototype.run.call(host, batch);
  };
  await expect(update!("things", outs, of("z"))).rejects.toMatchObject({ properties: { serial: 1 } });
});

test("two whose connection breaks in one batch: each is recorded as what it is", async () => {
  host.run = async (batch) => {
    if (batch.steps?.length) throw new HostError({ code: "connection-lost", what: "the connection is lost" });
    return FakeHost.prototype.run.call(host, batch);
  };
  const named = (name: string) => ({ ...kind, hostName: () => name });
  const made = ["x", "y"].map((name) =>
    lifecycle(named(name), [kind])
      .create({ ...of(name), owner: `p/s/Things/${name}` })
      .catch((error: unknown) => error),
  );
  expect(await Promise.all(made)).toMatchObject(
    ["x", "y"].map((name) => ({ properties: { owner: `p/s/Things/${name}`, things: [name] } })),
  );
});

test("create that fails half-way: what exists is recorded, for the next up and for destroy", async () => {
  host.on.set("add y", () => ({ exit: 1, stderr: "no" }));
  const error = await provider.create({ ...of("x", "y"), __provider: "code" }).catch((e: unknown) => e);
  expect(error).toMatchObject({
    id: "things",
    properties: { ...of("x", "y"), count: 1, observed: { there: ["x"] }, schemaVersion: 1, __provider: "code" },
    reasons: [expect.stringMatching(/failed at the step "Adding y"/)],
  });
  host.on.clear();
  const { properties } = error as { properties: object };
  await provider.delete!("things", properties);
  expect(host.things.size).toBe(0);
});

test("create that fails before anything exists records nothing", async () => {
  host.on.set("add x", () => ({ exit: 1 }));
  const error = await provider.create(of("x")).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(Error);
  expect(error).not.toHaveProperty("properties");
});

test("update: plans with what was asked for before", async () => {
  const olds = (await provider.create(of("x"))).outs;
  expect(await provider.update!("things", olds, of("x", "y"))).toMatchObject({
    outs: { things: ["x", "y"], count: 2 },
  });
});

test("update that fails half-way records what exists under its id", async () => {
  const olds = (await provider.create(of("x"))).outs;
  host.on.set("add y", () => ({ exit: 1 }));
  await expect(provider.update!("old-id", olds, of("x", "y"))).rejects.toMatchObject({
    id: "old-id",
    properties: { things: ["x", "y"], observed: { there: ["x"] } },
  });
});

test("a rename that broke off, nobody knows where, is gone on with from the former name", async () => {
  const former = "p/s/Things/former";
  const olds = (await provider.create({ ...of("x"), owner: former })).outs;
  host.run = async (batch) => {
    if (batch.steps?.length) throw new HostError({ code: "connection-lost", what: "the connection is lost" });
    return FakeHost.prototype.run.call(host, batch);
  };
  await expect(provider.update!("things", olds, of("x", "y"))).rejects.toMatchObject({
    properties: { owner: former, things: ["x", "y"] },
  });
});

test("update by another connection to the same host", async () => {
  const olds = (await provider.create(of("x"))).outs;
  const news = { ...of("x"), connection: { ssh: `also-fake-${hosts}` } };
  expect(await provider.update!("things", olds, news)).toMatchObject({ outs: { connection: news.connection } });
});

test("update by a connection that leads to another host is refused, with what to do, and nothing is made there", async () => {
  const olds = (await provider.create(of("x"))).outs;
  host = new FakeHost();
  const news = { ...of("x"), connection: { ssh: `other-${hosts}` } };
  await expect(provider.update!("things", olds, news)).rejects.toThrow(
    new RegExp(
      `Things a is not on other-${hosts}[\\s\\S]*made on fake-${hosts}[\\s\\S]*remedy: .*host of another name`,
    ),
  );
  expect(host.trips).toEqual(["look"]);
});

test("read: as it was", async () => {
  const { outs } = await provider.create(of("x"));
  expect(await provider.read!("things", outs)).toEqual({ id: "things", props: outs, inputs: of("x") });
});

test("read: what drifted is named by the inputs, and what was asked for is kept", async () => {
  const { outs } = await provider.create(of("x", "y"));
  host.things.delete("y");
  expect(await provider.read!("things", outs)).toEqual({
    id: "things",
    props: { ...outs, count: 1, observed: { there: ["x"] } },
    inputs: of("x"),
  });
});

test("a text that Pulumi takes for an unknown value is none of ours", async () => {
  const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
  host.things.add(unknown);
  const { props } = await provider.read!("things", (await provider.create(of("x"))).outs);
  expect(props).toMatchObject({ observed: { there: expect.arrayContaining(["x", "(reserved by Pulumi)"]) } });
  expect(JSON.stringify(props)).not.toContain(unknown);
});

test("read: gone is nothing", async () => {
  const { outs } = await provider.create(of("x"));
  host.things.clear();
  expect(await provider.read!("things", outs)).toEqual({});
});

test("read: a look that failed is an error, not gone", async () => {
  const { outs } = await provider.create(of("x"));
  host.look = () => ({ exit: 1, stdout: "", stderr: "no" });
  await expect(provider.read!("things", outs)).rejects.toThrow(/cannot observe/);
});

test("a refresh of many resources is one look at their host, until something is changed", async () => {
  const { outs } = await provider.create(of("x"));
  host.trips.length = 0;
  await Promise.all([provider.read!("a", outs), provider.read!("b", outs)]);
  await provider.read!("c", outs);
  expect(host.trips).toEqual(["look"]);
  await provider.update!("a", outs!, of("x", "y"));
  await provider.read!("b", outs);
  expect(host.trips.slice(1)).toEqual(["look", "locked: add y", "look"]);
});

test("delete, and at once again", async () => {
  const { outs } = await provider.create(of("x"));
  await provider.delete!("things", outs);
  await provider.delete!("things", outs);
  expect(host.things.size).toBe(0);
});

test("read of what cannot be seen for now: it is left, but what it was is no proof, and the next up looks", async () => {
  const blind = {
    ...kind,
    reads: (name: string) => kind.reads(name).map((r) => ({ ...r, unavailableExitCodes: [7] })),
    unavailableOutputs: { count: -1 },
  };
  const { outs } = await provider.create(of("x"));
  host.look = () => ({ exit: 7, stdout: "", stderr: "" });
  const { read, diff } = lifecycle(blind, [blind]);
  const { props } = await read!("things", outs);
  expect(props).toEqual({ ...of("x"), count: -1, schemaVersion: 1 });
  expect(await diff!("things", props, of("x"))).toMatchObject({ changes: true });
});
