import { ALL_LIMITS, DEFAULT_LIMITS, LIMITS, type LimitName, limitInputs } from "../../provider/limits/index.ts";
import { reachInputs } from "../../provider/tools/network-rules.ts";
import { expectDocumented, table } from "../support/generated.ts";

const values: { [N in LimitName]: readonly [value: unknown, properties: string[], kernel: string[]][] } = {
  memory: [
    ["512MiB", ["MemoryMax=603979776", "MemorySwapMax=0"], ["memory.max=603979776", "memory.swap.max=0"]],
    ["1GiB", ["MemoryMax=1140850688", "MemorySwapMax=0"], ["memory.max=1140850688", "memory.swap.max=0"]],
  ],
  tasks: [[300, ["TasksMax=300"], ["pids.max=300"]]],
  cpus: [
    [undefined, ["CPUQuota="], ["cpu.max=max 100000"]],
    [1.5, ["CPUQuota=150%"], ["cpu.max=150000 100000"]],
    [0.29, ["CPUQuota=29%"], ["cpu.max=29000 100000"]],
  ],
  cpuWeight: [
    [undefined, ["CPUWeight="], ["cpu.weight=100"]],
    [50, ["CPUWeight=50"], ["cpu.weight=50"]],
  ],
  ioWeight: [
    [undefined, ["IOWeight="], ["io.weight=default 100"]],
    [50, ["IOWeight=50"], ["io.weight=default 50"]],
  ],
};
const cases = ALL_LIMITS.flatMap(([name, limit]) =>
  values[name].map(([value, properties, kernel]) => [name, value, limit, properties, kernel] as const),
);

test.each(cases)("%s: %s is set, and read back", (_, value, { settings, fromKernel }, properties, kernel) => {
  const of = value as string | number | undefined;
  expect(settings.map(({ property, toProperty }) => `${property}=${toProperty(of)}`)).toEqual(properties);
  expect(settings.map(({ file, toKernel }) => `${file}=${toKernel(of)}`)).toEqual(kernel);
  expect(fromKernel(settings[0].toKernel(of))).toBe(value);
});

const bad: [name: LimitName, value: unknown][] = [
  ["memory", "512"],
  ["memory", "0MiB"],
  ["tasks", 1],
  ["tasks", 1.5],
  ["cpus", 0],
  ["cpus", 0.001],
  ["cpuWeight", 0],
  ["ioWeight", 10_001],
];
test.each(bad)("%s cannot be %s", (name, value) => {
  expect(limitInputs[name].safeParse(value).success).toBe(false);
});

test("the default is the one that the documentation names", () => {
  expect(DEFAULT_LIMITS).toEqual({ memory: "512MiB", tasks: 2048 });
  for (const [name, { schema }] of ALL_LIMITS) {
    const value = DEFAULT_LIMITS[name];
    expect(schema.description).toContain(value === undefined ? "Default: " : `Default: ${value}.`);
  }
});

test("every limit is in docs/limits.md", () => {
  const rows = ALL_LIMITS.map(([name, { schema, settings }]) => [
    `\`${name}\``,
    schema.description ?? "",
    settings.map(({ property }) => `\`${property}\``).join(", "),
  ]);
  expect(Object.keys(LIMITS)).toHaveLength(rows.length);
  expectDocumented("docs/limits.md", "inputs", table(["input", "meaning", "systemd.resource-control(5)"], rows));
});

test("what a container may reach is in docs/limits.md", () => {
  const rows = Object.entries(reachInputs).map(([name, schema]) => [`\`${name}\``, schema.description ?? ""]);
  expectDocumented("docs/limits.md", "reach", table(["input", "meaning"], rows));
});
