import { type Batch, parse, type Read, type Report, type Step, script } from "../../provider/host/batch.ts";
import { runScript, type ScriptResult } from "../../provider/host/transport.ts";

/** How a batch went on this machine, by its real shell. */
export interface Run extends Report {
  progress: string[];
  delivery: ScriptResult;
}

export async function run(batch: Batch, onProgress?: (line: string) => void): Promise<Run> {
  const progress: string[] = [];
  const delivery = await runScript({}, script(batch), {
    timeout: 60,
    upload: batch.steps?.find((s) => s.upload !== undefined)?.upload,
    onProgress: (line, resource) => {
      progress.push(resource === undefined ? line : `${resource}: ${line}`);
      onProgress?.(line);
    },
  });
  return { ...parse(delivery.stdout, batch), progress, delivery };
}

/** A read that is a line of sh. */
export function look(key: string, line: string, more: Partial<Read> = {}): Read {
  return { key, argv: ["sh", "-c", line], ...more };
}

/** A step that is a line of sh. */
export function act(line: string, more: Partial<Step> = {}): Step {
  return { id: "run", title: `runs ${line}`, argv: ["sh", "-c", line], ...more };
}

/** A line of sh that waits for a file. */
export function waitFor(file: string): string {
  return `while [ ! -e ${file} ]; do sleep 0.02; done`;
}
