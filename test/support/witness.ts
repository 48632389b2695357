import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Lab } from "../../lab/index.ts";

/** Asks each of the addresses for the banner of its sshd, again and again, from the host; a line each: its name, and whether it answered. */
const ASK = `
while :; do
  for who in "$@"; do
    timeout 30 bash -c 'exec 3<>"/dev/tcp/$0/22" && read -r banner <&3 && [ -n "$banner" ]' "\${who#*=}" && said=answered || said=silent
    echo "\${who%%=*} $said"
  done
  sleep 1
done`;

/** Somebody on the lab host who wants to be served all the while. */
export class Witness {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #said: string[] = [];

  /** @param names addresses by name */
  constructor(lab: Lab, names: Readonly<Record<string, string>>) {
    const who = Object.entries(names).map(([name, address]) => `${name}=${address}`);
    this.#process = spawn("ssh", ["-F", lab.sshConfig, "lab", "exec bash -s", ...who], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#ended = new Promise((done) => this.#process.once("close", done));
    createInterface(this.#process.stdout!).on("line", (line) => this.#said.push(line));
    this.#process.stdin!.end(ASK);
  }

  /** Those who did not answer once since the last call, after at least one more question to each. */
  async silent(): Promise<string[]> {
    const answers = () => this.#said.filter((line) => / (answered|silent)$/.test(line));
    const enough = answers().length + 2;
    while (answers().length < enough) {
      if (this.#process.exitCode !== null) throw new Error("the witness has gone");
      await new Promise((done) => setTimeout(done, 200));
    }
    const silent = answers().filter((line) => line.endsWith("silent"));
    this.#said = [];
    return silent;
  }

  async end(): Promise<void> {
    this.#process.kill();
    await this.#ended;
  }
}
