import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { isKeyLine } from "../provider/tools/root-settings/authorized-keys.ts";
import { ConfigError } from "./config.ts";

/** Who may log in, and with which private keys of this workstation one can. */
export interface Keys {
  /** Lines of authorized_keys. */
  authorized: string[];
  /** Private keys that lie beside a public one that was named. */
  identities: string[];
}

/** Entries are lines of authorized_keys, or files of public keys (*.pub) relative to the project's folder, or below ~. */
export function readKeys(path: string, entries: string[], base: string): Keys {
  const keys: Keys = { authorized: [], identities: [] };
  for (const [index, entry] of entries.entries()) {
    if (!entry.endsWith(".pub") || isKeyLine(entry)) {
      keys.authorized.push(entry);
      continue;
    }
    const file = resolve(base, entry.replace(/^~(?=\/)/, process.env.HOME ?? homedir()));
    const text = read(file);
    if (text === undefined) throw new ConfigError(`  ${path}.${index}: cannot read the file ${file}`);
    keys.authorized.push(...text.split(/\r?\n/).filter((line) => line.trim() !== ""));
    const identity = file.slice(0, -".pub".length);
    if (existsSync(identity)) keys.identities.push(identity);
  }
  return keys;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
