/** Prints one line of progress; on stderr, so that a command's stdout stays its own. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Runs one step of the set-up between a line that names it and a line with the seconds that it took. */
export async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  const seconds = () => `${((performance.now() - begin) / 1000).toFixed(1)} s`;
  say(`· ${title} …`);
  try {
    const result = await work();
    say(`✓ ${title} (${seconds()})`);
    return result;
  } catch (error) {
    say(`✗ ${title} (failed after ${seconds()})`);
    throw error;
  }
}
