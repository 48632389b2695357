/** The command that reads lines of tmpfiles.d(5) from its standard input and applies them to a root. */
export function tmpfiles(root: string, ...what: ("--create" | "--remove")[]): string[] {
  return ["systemd-tmpfiles", `--root=${root}`, ...(what.length > 0 ? what : ["--create"]), "-"];
}

/** A line of tmpfiles.d(5) that writes a file. */
export function fileLine(path: string, mode: string, content: string): string {
  return `f+~ ${path} ${mode} - - - ${Buffer.from(content).toString("base64")}\n`;
}
