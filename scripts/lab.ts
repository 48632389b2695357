import { execa } from "execa";
import { attachLab, labStatus } from "../lab/index.ts";
import { ensureLab, ensureLabParts } from "./setup/lab.ts";
import { main } from "./setup/main.ts";
import { labDir } from "./setup/paths.ts";
import { step } from "./setup/progress.ts";

const usage = `The throwaway lab host: a virtual machine with SELinux enforcing and libvirt.

  npm run lab -- up               start it, and make what it is made of
  npm run lab -- down             shut it down; its disk is kept
  npm run lab -- reset            throw its disk away and start anew
  npm run lab -- status           does it run, and where
  npm run lab -- ssh [command]    a shell in it, or one command
  npm run lab -- image            only make what it is made of
`;

const commands: Record<string, (args: string[]) => Promise<number>> = {
  async up() {
    await ensureLab();
    return status();
  },
  async down() {
    const lab = await attachLab(labDir);
    if (lab) await step("lab host: shutdown", () => lab.stop());
    return status();
  },
  async reset() {
    await ensureLab({ fresh: true });
    return status();
  },
  async ssh(command) {
    const lab = await attachLab(labDir);
    if (!lab) throw new Error("the lab host is not running: npm run lab -- up");
    const args = ["-F", lab.sshConfig, "lab", ...command];
    const { exitCode } = await execa("ssh", args, { stdio: "inherit", reject: false });
    return exitCode ?? 255;
  },
  async image() {
    await ensureLabParts();
    return 0;
  },
  status,
};

async function status(): Promise<number> {
  console.log(await labStatus(labDir));
  return 0;
}

await main(async () => {
  const [name = "", ...args] = process.argv.slice(2);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command && (args.length === 0 || name === "ssh")) return command(args);
  process.stderr.write(usage);
  return 2;
});
