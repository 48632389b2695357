import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * What operations tell a host, as one shell script: the same commands in the same order, without looks, locks and comparisons.
 */
export class Recorder {
  /** Of a stack whose operations are recorded. */
  readonly dir: string;
  readonly env: Record<string, string>;
  readonly #record: string;

  private constructor(dir: string, record: string, ssh: string) {
    this.dir = dir;
    this.#record = record;
    this.env = { RECORD: record, RECORDED_SSH: ssh };
  }

  /** In a folder of its own below `parent`; `ssh` is the program that reaches the hosts. */
  static async create(parent: string, ssh: string): Promise<Recorder> {
    const dir = await mkdtemp(join(parent, "recorder-"));
    const record = join(dir, "record");
    await mkdir(record);
    await mkdir(join(dir, "bin"));
    await copyFile(join(import.meta.dirname, "recording-ssh"), join(dir, "bin/ssh"));
    return new Recorder(dir, record, ssh);
  }

  /** The commands of what was done meanwhile. */
  async scriptOf(work: () => Promise<unknown>): Promise<string> {
    await work();
    const files = (await readdir(this.#record)).sort();
    const batches = await Promise.all(files.map((file) => readFile(join(this.#record, file), "utf8")));
    await Promise.all(files.map((file) => rm(join(this.#record, file))));
    return asOneScript(batches);
  }
}

/** The steps of batches, without anything else that these do. */
export function asOneScript(batches: readonly string[]): string {
  return [PRELUDE, ...batches.flatMap(stepsOf), ""].join("\n");
}

const PRELUDE = `
umask 077
mkdir -p /run/svirt-lxc
T=$(mktemp -d /run/svirt-lxc/bench.XXXXXX) || exit
trap 'rm -rf "$T"' EXIT
run() {
  name=$1; shift
  "$@" >"$T/$name.out" 2>"$T/$name.err"
  echo $? >"$T/$name.code"
}
say() { :; }
of() { :; }`;

/** The function of a batch that carries out its steps (provider/host/batch.ts), called; it ends the script where one failed. */
function stepsOf(batch: string): string[] {
  const [, steps = ""] = /^act\(\) \{\n(.*?)^:; \}\nmain\(\) \{$/ms.exec(batch) ?? [];
  if (steps === "") return [];
  return ["ended=", "act() {", `${steps}ended=1`, "}", "act", '[ "$ended" ] || { cat "$T"/*.err >&2; exit 1; }'];
}
