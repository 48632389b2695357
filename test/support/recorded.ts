import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { INSTALLED_GUARD } from "../../provider/confinement/guard.ts";
import type { Outcome, Results } from "../../provider/host/batch.ts";
import { INSTALLED } from "../../provider/tools/host-units.ts";

const FOLDER = new URL("../fixtures/debian13/", import.meta.url);

/** The text of this release's SELinux module. */
export const MODULE_TEXT = readFileSync(new URL("../../provider/policy/svirt_lxc.cil", import.meta.url), "utf8");

/** Its digest. */
export const MODULE = createHash("sha256").update(MODULE_TEXT).digest("hex");

/** Its version. */
export const MODULE_VERSION = Number(/^; Version (\d+)\./m.exec(MODULE_TEXT)![1]);

/** What a read printed, changed. */
export type Edit = (text: string) => string;

/** Changes to what the reads of these keys printed. */
export type Edits = Readonly<Record<string, Edit>>;

const texts = readTexts();

/** What the reads printed on a Debian 13 host that runs one confined container, `web`; changed if told. */
export function recorded(edits: Edits = {}): Results {
  for (const key of Object.keys(edits)) if (!texts.has(key)) throw new Error(`no read ${key} was recorded`);
  return new Map([...texts].map(([key, text]) => [key, printed(edits[key]?.(text) ?? text)]));
}

/** One of the reads. */
export function recordedOutcome(key: string, edit?: Edit): Outcome {
  return recorded(edit && { [key]: edit }).get(key)!;
}

export function printed(stdout: string): Outcome {
  return { exit: 0, stdout, stderr: "" };
}

/** Every place of a text replaced. That there is none is an error of the test, which would prove nothing. */
export function swap(from: string | RegExp, to: string): Edit {
  return (text) => {
    const changed = typeof from === "string" ? text.replaceAll(from, () => to) : text.replace(from, to);
    if (changed === text) throw new Error(`nothing to change: ${from}`);
    return changed;
  };
}

/** Without the lines that match. */
export function without(lines: RegExp): Edit {
  return swap(new RegExp(`^.*(?:${lines.source}).*\n`, "gm"), "");
}

/** Without the XML elements of that name. */
export function withoutElement(name: string): Edit {
  return swap(new RegExp(` *<${name}\\b.*?</${name}>\n`, "gs"), "");
}

/** With lines at the end. */
export function added(...lines: string[]): Edit {
  return (text) => `${text}${lines.join("\n")}\n`;
}

/** What a record may have become: by a power cut, a full disk, a careless hand. */
export const DAMAGE: [how: string, text: string][] = [
  ["empty", ""],
  ["zeros", "\0\0\0\0"],
  ["half", '{"owner":"svirt-lxc/lab/'],
  ["null", "null"],
  ["a list", "[1]"],
  ["a text", '"web"'],
  ["other fields", '{"retain":"perhaps"}'],
];

export function says(text: string): Edit {
  return () => text;
}

export function both(...edits: Edit[]): Edit {
  return (text) => edits.reduce((changed, edit) => edit(changed), text);
}

// The module and the units were others when this was recorded, perhaps.
function readTexts(): Map<string, string> {
  const read = (file: string) => readFileSync(new URL(file, FOLDER), "utf8");
  const module = /[0-9a-f]{64}/.exec(read("policy.txt"))![0];
  const current = (text: string) =>
    text
      .replaceAll(module, MODULE)
      .replace(`{"sha256":"${MODULE}","version":1}`, `{"sha256":"${MODULE}","version":${MODULE_VERSION}}`);
  return new Map(
    readdirSync(FOLDER)
      .filter((file) => file.endsWith(".txt"))
      .map((file) => [file.replace(/\.txt$/, ""), current(read(file))]),
  ).set(
    "libvirt",
    read("libvirt.txt")
      .replace(/^@units\n.*?(?=^@slice$)/ms, () => `@units\n${INSTALLED}\n`)
      .replace(/^@guard\n.*?(?=^@unread$)/ms, () => `@guard\n${INSTALLED_GUARD}\n`),
  );
}
