import { run } from "../scripts/setup/run.ts";

/** A Debian root to be made. */
export interface Bootstrap {
  root: string;
  suite: string;
  packages: string[];
  /** A folder whose files are put in before the packages are installed, so that their set-up scripts see them. */
  files?: string;
}

/** Makes a Debian root in a folder, without recommended packages. */
export async function bootstrap({ root, suite, packages, files }: Bootstrap): Promise<void> {
  await run("mmdebstrap", [
    "--mode=root",
    "--format=directory",
    "--variant=minbase",
    `--include=${packages.join(",")}`,
    // owners are root's, whoever owns the checkout
    ...(files ? [`--essential-hook=cp -r --remove-destination '${files}/.' "$1/"`] : []),
    suite,
    root,
  ]);
}
