import { readFile } from "node:fs/promises";
import type { Attack } from "./attack.ts";
import { DEVICES } from "./devices.ts";
import { HOST } from "./host.ts";
import { KERNEL } from "./kernel.ts";
import { LIMITS } from "./limits.ts";
import { MACHINE } from "./machine.ts";
import { MOUNTS } from "./mounts.ts";
import { NEIGHBOURS } from "./neighbours.ts";
import { SELINUX } from "./selinux.ts";
import { SETTINGS } from "./settings.ts";

/** All attacks, by what they are after. */
export const GROUPS: readonly (readonly [title: string, attacks: readonly Attack[]])[] = [
  ["Devices", DEVICES],
  ["File systems of the kernel", MOUNTS],
  ["Settings of the kernel", SETTINGS],
  ["Interfaces of the kernel", KERNEL],
  ["The machine", MACHINE],
  ["Labels and policy", SELINUX],
  ["Control groups", LIMITS],
  ["The host's processes, files and services", HOST],
  ["Another container", NEIGHBOURS],
];

export const ATTACKS: readonly Attack[] = GROUPS.flatMap(([, attacks]) => attacks);

/** What not every host has: what asks for it finds nothing. */
const MAY_LACK = ["disk", "disk_number", "disk_type", "binfmt_device", "file_system"];

/** What an attacker has been told of the host and of the neighbour: process ids, paths, serial numbers. */
export type Known = Readonly<Record<string, string>>;

/** What came of each attack, by its id: "refused ERRNO", "absent" or "succeeded". */
export interface Results {
  direct: Readonly<Record<string, string>>;
  /** The same, as root of a user namespace that the attacker has made; or why there is none. */
  nested: Readonly<Record<string, string>> | string;
}

/** The program that tries them, and then tries them again as root of a user namespace of its own making. */
export async function attackProgram(known: Known, attacks = ATTACKS): Promise<string> {
  const lacking = ({ program }: Attack) =>
    [...program.matchAll(/\$known\{(\w+)\}/g)].map(([, key]) => key!).filter((key) => !(key in known));
  const missing = attacks.flatMap(lacking).find((key) => !MAY_LACK.includes(key));
  if (missing !== undefined) throw new Error(`the attacks are to be told of ${missing}`);
  const strange = Object.keys(known).find((key) => !/^\w+$/.test(key));
  if (strange !== undefined) throw new Error(`"${strange}" is no name of what the attacks are told`);
  const prelude = await readFile(new URL("./prelude.pl", import.meta.url), "utf8");
  const quote = (text: string) => `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
  return [
    prelude,
    // syscall of Perl takes what is quoted for the address of a text.
    `%known = (${Object.entries(known).map(([key, value]) => `${key} => ${/^\d+$/.test(value) ? value : quote(value)}`)});`,
    "sub all {",
    ...attacks.map(
      (one) => `attack(${quote(one.id)}, sub {\n${lacking(one).length > 0 ? "absent()" : one.program};\n});`,
    ),
    "}",
    "all();",
    "nested(\\&all);",
    'print "end\\n";',
  ].join("\n");
}

const WORD = /^(succeeded|absent|refused E\w+)$/;

/** What the program has printed. */
export function parseResults(output: string, attacks = ATTACKS): Results {
  const lines = output
    .trim()
    .split("\n")
    .map((line) => line.split(/ (.*)/));
  if (lines.pop()?.[0] !== "end") throw new Error(`the attacks broke off:\n${output}`);
  const found = Object.fromEntries(lines);
  const of = (prefix: string) =>
    Object.fromEntries(
      attacks.map(({ id }) => {
        const word = found[prefix + id] ?? "";
        if (!WORD.test(word)) throw new Error(`${prefix}${id}: "${word}" is no result of an attack`);
        return [id, word];
      }),
    );
  return { direct: of(""), nested: found.nested ?? of("nested:") };
}

/** Those that have worked, and those that work only in a user namespace that the attacker has made. */
export function succeeded({ direct, nested }: Results): { direct: Attack[]; nested: Attack[] } {
  const works = (results: Results["direct"]) => ATTACKS.filter(({ id }) => results[id] === "succeeded");
  const isNew = ({ id, again = id }: Attack) => direct[id] !== "succeeded" && direct[again] !== "succeeded";
  return { direct: works(direct), nested: typeof nested === "string" ? [] : works(nested).filter(isNew) };
}
