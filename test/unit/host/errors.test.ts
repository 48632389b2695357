import { inspect } from "node:util";
import { HostError } from "../../../provider/host/errors.ts";

const problem = {
  code: "step-failed",
  what: "LxcDomain web: failed",
  where: "lab: virsh start web",
  why: "exit code 1\nerror: no",
  remedy: "mend it",
};

test("an error says what, where, why and what to do, and keeps them apart for programs", () => {
  const error = new HostError(problem);
  expect(error.message).toBe(
    "LxcDomain web: failed\n  where: lab: virsh start web\n  why: exit code 1\n    error: no\n  remedy: mend it",
  );
  expect(error.problem).toEqual(problem);
  expect(error).toBeInstanceOf(Error);
});

test("what is not known is not named", () => {
  expect(new HostError({ code: "x", what: "x" }).message).toBe("x");
  expect(new HostError({ code: "x", what: "x", why: "", remedy: "y" }).message).toBe("x\n  remedy: y");
});

test("it shows no stack, however it is printed", () => {
  const error = new HostError(problem);
  for (const text of [error.stack ?? "", inspect(error), String(error)]) expect(text).not.toMatch(/\n\s+at |\.ts:\d/);
});
