import { type Batch, parse, type Read, type Report, type Step, script } from "../../provider/host/batch.ts";
import { type Delivery, deliver } from "../../provider/host/transport.ts";

/** How a batch went on this machine, by its real shell. */
export interface Run extends Report {
  progress: string[];
  delivery: Delivery;
}

export async function run(batch: Batch, onProgress?: (line: string) => void): Promise<Run> {
  const progress: string[] = [];
  const delivery = await deliver({}, script(batch), {
    timeout: 60,
    upload: batch.steps?.find((s) => s.upload !== undefined)?.upload,
    onProgress: (line) => {
      progress.push(line);
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
  return { why: `runs ${line}`, argv: ["sh", "-c", line], ...more };
}

/** A line of sh that waits for a file. */
export function waitFor(file: string): string {
  return `while [ ! -e ${file} ]; do sleep 0.02; done`;
}
