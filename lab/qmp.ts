import { once } from "node:events";
import { createConnection } from "node:net";
import { createInterface } from "node:readline";
import { machineFiles } from "./qemu.ts";

/** Sends commands to a running QEMU, one after the other, and returns their answers. */
export async function qmp(pid: number, ...commands: { execute: string; arguments?: object }[]): Promise<unknown[]> {
  // By way of the process: it is the right one, and the path is short (a socket's may not exceed 108 characters).
  const socket = createConnection(`/proc/${pid}/cwd/${machineFiles.qmp}`);
  await once(socket, "connect");
  try {
    const answers = createInterface(socket)[Symbol.asyncIterator]();
    await answers.next(); // the greeting
    const results: unknown[] = [];
    for (const command of [{ execute: "qmp_capabilities" }, ...commands]) {
      socket.write(`${JSON.stringify(command)}\n`);
      results.push(await answer(answers, command.execute));
    }
    return results.slice(1);
  } finally {
    socket.destroy();
  }
}

async function answer(lines: AsyncIterator<string>, command: string): Promise<unknown> {
  for (;;) {
    const { value, done } = await lines.next();
    if (done) throw new Error(`QEMU closed the connection at ${command}`);
    const message = JSON.parse(value);
    if (message.error) throw new Error(`QEMU: ${command}: ${message.error.desc}`);
    if ("return" in message) return message.return; // anything else is an event
  }
}
