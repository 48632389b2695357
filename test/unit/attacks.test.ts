import { ATTACKS, attackProgram, GROUPS, parseResults } from "../../provider/attacks/index.ts";

/** All that the attacks ask for. */
const keys = ATTACKS.flatMap(({ program }) => [...program.matchAll(/known\{(\w+)\}/g)].map(([, key]) => key!));
const known = { ...Object.fromEntries(keys.map((key) => [key, "1"])), host_file: "/a'b\\c" };
const words = (prefix = "", word = "refused EPERM") => ATTACKS.map(({ id }) => `${prefix}${id} ${word}`);

test("there are at least 32 attacks, each with a name of its own", () => {
  expect(ATTACKS.length).toBeGreaterThanOrEqual(32);
  expect(new Set(ATTACKS.map(({ id }) => id)).size).toBe(ATTACKS.length);
  for (const [, attacks] of GROUPS) expect(new Set(attacks.map(({ what }) => what)).size).toBe(attacks.length);
});

test("the program has all of them, and what is known", async () => {
  const program = await attackProgram(known);
  for (const { id } of ATTACKS) expect(program).toContain(`attack('${id}', sub {`);
  expect(program).toContain("host_file => '/a\\'b\\\\c'");
  expect(program).toContain("host_pid => 1,");
});

test("what is told becomes no part of the program", async () => {
  await expect(attackProgram({ ...known, "x => 1); system('id'); (y": "1" })).rejects.toThrow(/is no name/);
  expect(await attackProgram({ ...known, host_file: "'); system('id'); ('" })).toContain(
    "host_file => '\\'); system(\\'id\\'); (\\''",
  );
});

test("what an attack asks for has to be known, but for what not every host has", async () => {
  const { host_pid: _, file_system: __, ...less } = known as Record<string, string>;
  await expect(attackProgram(less)).rejects.toThrow("the attacks are to be told of host_pid");
  await expect(attackProgram({ ...less, host_pid: "1" })).resolves.toContain(
    "attack('load-file-system', sub {\nabsent();",
  );
});

test("results are those of all attacks, twice", () => {
  const output = [...words(), ...words("nested:", "succeeded"), "end"].join("\n");
  const { direct, nested } = parseResults(output);
  expect(Object.keys(direct)).toEqual(ATTACKS.map(({ id }) => id));
  expect(new Set(Object.values(direct))).toEqual(new Set(["refused EPERM"]));
  expect(new Set(Object.values(nested))).toEqual(new Set(["succeeded"]));
});

test("where no user namespace can be made, it says why", () => {
  expect(parseResults([...words(), "nested refused EPERM", "end"].join("\n")).nested).toBe("refused EPERM");
});

test.each([
  ["broke off", words().join("\n")],
  ["has no result", [...words().slice(1), ...words("nested:"), "end"].join("\n")],
  ["is no result", [...words("", "ended 14"), ...words("nested:"), "end"].join("\n")],
])("attacks that were not all tried are an error: %s", (_, output) => {
  expect(() => parseResults(output)).toThrow();
});
