import { removeResource } from "../../../provider/engine/converge.ts";
import { FakeHost } from "../../support/fake-host.ts";
import { inputs, things } from "../../support/things.ts";

test("what is there is removed, under the lock, and nothing else", async () => {
  const host = new FakeHost("x", "y", "other");
  await removeResource(things(), host, inputs("x", "y"));
  expect(host.trips).toEqual(["look", "locked: remove x, remove y"]);
  expect([...host.things]).toEqual(["other"]);
});

test("what is gone already is one look", async () => {
  const host = new FakeHost("other");
  await removeResource(things(), host, inputs("x"));
  expect(host.trips).toEqual(["look"]);
});

test("what cannot be removed is an error, and the rest is left for the next time", async () => {
  const host = new FakeHost("x", "y");
  host.on.set("remove x", () => ({ exit: 1, stderr: "busy" }));
  await expect(removeResource(things(), host, inputs("x", "y"))).rejects.toThrow(
    /failed at the step "Removing x"[\s\S]*busy/,
  );
  host.on.clear();
  await removeResource(things(), host, inputs("x", "y"));
  expect(host.things.size).toBe(0);
});

test("what is still there though every step succeeded is an error", async () => {
  const host = new FakeHost("x");
  host.on.set("remove x", () => ({ exit: 0 }));
  await expect(removeResource(things(), host, inputs("x"))).rejects.toThrow(/still there[\s\S]*left to do: Removing x/);
});

test("a host that cannot be looked at is not taken for an empty one", async () => {
  const host = new FakeHost();
  host.look = () => ({ exit: 1, stdout: "", stderr: "no" });
  await expect(removeResource(things(), host, inputs("x"))).rejects.toThrow(/cannot observe/);
});
