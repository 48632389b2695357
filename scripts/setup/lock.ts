import { execa } from "execa";
import { say } from "./progress.ts";
import { which } from "./run.ts";

/**
 * Runs `work` while holding the lock `file`, waiting for whoever holds it.
 * The lock belongs to a child that ends when our end of its stdin closes: it is released however we die.
 */
export async function withLock<T>(file: string, what: string, work: () => Promise<T>): Promise<T> {
  // Where there is no flock(1) two runs may do the same work twice; what they make is renamed into place all the same.
  if (!(await which("flock"))) return work();
  const waiting = setTimeout(() => say(`· waiting for another run: ${what} …`), 1000);
  const holder = execa("flock", ["--exclusive", file, "sh", "-c", "echo locked; cat >/dev/null"], {
    buffer: false,
    stderr: "inherit",
  });
  try {
    await Promise.race([new Promise((resolve) => holder.stdout.once("data", resolve)), holder]);
    clearTimeout(waiting);
    return await work();
  } finally {
    clearTimeout(waiting);
    holder.stdin.end();
    await holder;
  }
}
