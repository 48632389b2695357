/** Runs a script's main function and exits with its code; what goes wrong is told in words, without a stack trace. */
export async function main(work: () => Promise<number>): Promise<void> {
  try {
    process.exit(await work());
  } catch (error) {
    console.error(process.env.DEBUG ? error : error instanceof Error ? error.message : error);
    process.exit(1); // at once: what was done at the same time ends as well
  }
}
