/** What the audit log, or the kernel's, has on one use of a right: whose, on what, and which. */
export interface AvcRecord {
  result: "denied" | "granted";
  /** Types: of who did it, and of what it was done to. */
  source: string;
  target: string;
  class: string;
  permissions: string[];
  /** The program that did it, and the file that it was done to; empty where the record does not tell. */
  program: string;
  file: string;
}

/** A line of the log, in the fields of the kernel's avc_audit_pre_callback; undefined of another kind of line. */
export function parseAvcRecord(line: string): AvcRecord | undefined {
  const [, result, permissions] = /avc: +(denied|granted) +\{ *([^}]*[^} ]) *\}/.exec(line) ?? [];
  const field = (name: string) => new RegExp(` ${name}=("[^"]*"|\\S+)`).exec(line)?.[1]?.replaceAll('"', "") ?? "";
  const type = (name: string) => field(name).split(":")[2] ?? "";
  const record: AvcRecord = {
    result: result as AvcRecord["result"],
    source: type("scontext"),
    target: type("tcontext"),
    class: field("tclass"),
    permissions: permissions?.split(" ") ?? [],
    program: field("comm"),
    file: field("path") || field("name"),
  };
  return permissions && record.source && record.target && record.class ? record : undefined;
}
