import { formatMemory, parseMemory } from "../../../provider/tools/memory.ts";

const amounts: [text: string, kib: number, formatted: string][] = [
  ["512MiB", 524_288, "512MiB"],
  ["512 MiB", 524_288, "512MiB"],
  ["1GiB", 1_048_576, "1GiB"],
  ["1024MiB", 1_048_576, "1GiB"],
  ["1048576KiB", 1_048_576, "1GiB"],
  ["1536MiB", 1_572_864, "1536MiB"],
  ["1KiB", 1, "1KiB"],
  ["1025KiB", 1025, "1025KiB"],
  ["8192GiB", 8_589_934_592, "8192GiB"],
];
test.each(amounts)("%s is %i KiB, or %s", (text, kib, formatted) => {
  expect(parseMemory(text)).toBe(kib);
  expect(formatMemory(kib)).toBe(formatted);
  expect(parseMemory(formatted)).toBe(kib);
});

const wrong = [
  ..."abc|512|512M|512MB|512mib|MiB|0MiB|-1MiB|+1MiB|1.5GiB|1,5GiB|1e3MiB|0x10MiB|512MiB |512  MiB|1GiB1MiB".split("|"),
  "",
  " 512MiB",
  "512MiB\n",
  "9007199254740993KiB",
  "9999999999999999GiB",
];
test.each(wrong)("%j is no amount of memory", (text) => {
  expect(parseMemory(text)).toBeUndefined();
});

test("of nothing", () => {
  expect(formatMemory(0)).toBe("0KiB");
  expect(formatMemory()).toBe("0KiB");
});
