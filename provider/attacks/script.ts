import { execa } from "execa";

/** Runs a script of sh on the workstation; `kill` ends it with all that it has started, such as an ssh that waits. */
export function startScript(script: string) {
  const child = execa("sh", ["-c", script], {
    stdin: "pipe",
    buffer: { stdout: false },
    reject: false,
    detached: true,
  });
  child.stdin.on("error", () => {}); // it went away: its exit code says so
  const kill = () => {
    try {
      process.kill(-child.pid!);
    } catch {
      // it has ended
    }
  };
  return { child, kill };
}
