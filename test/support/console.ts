import { spawn } from "node:child_process";
import type { Lab } from "../../lab/index.ts";

const CLOSED = "\n(the console was closed)";

/** A person at the console of a container: `virsh console`, on a terminal of the lab host. */
export class Console {
  readonly #child;
  readonly #closed: Promise<void>;
  #seen = "";
  #wake: () => void = () => {};

  constructor(lab: Lab, name: string) {
    // A terminal of its own: a login with one would have the host's sshd write where its policy does not let it.
    const command = `script -qec 'virsh -c lxc:/// console ${name}' /dev/null`;
    const argv = ["-F", lab.sshConfig, "lab", command];
    this.#child = spawn("ssh", argv, { stdio: ["pipe", "pipe", "ignore"] });
    this.#child.stdout.setEncoding("utf8").on("data", (text) => {
      this.#seen += text;
      this.#wake();
    });
    this.#closed = new Promise((done) => {
      this.#child.once("close", () => {
        this.#seen += CLOSED;
        this.#wake();
        done();
      });
    });
  }

  /** Waits until a text is on the screen that was not there at the last call; all that has come since then. */
  async sees(pattern: RegExp): Promise<string> {
    for (;;) {
      const seen = this.#seen;
      if (pattern.test(seen)) {
        this.#seen = "";
        return seen;
      }
      if (seen.endsWith(CLOSED)) throw new Error(`no ${pattern} at the console:\n${seen}`);
      await new Promise<void>((more) => {
        this.#wake = more;
      });
    }
  }

  types(text: string): void {
    this.#child.stdin.write(`${text}\r`);
  }

  async leave(): Promise<void> {
    this.#child.kill();
    await this.#closed;
  }
}
