import { join } from "node:path";
import { attachLab, type Lab, startLab } from "../../lab/index.ts";
import { checkout } from "../../scripts/setup/paths.ts";

/** Where the tests' own lab host lives: a person's lab is left alone. */
export const testLabDir = join(checkout, ".lab-test");

/** The lab host that the tests share. */
export async function sharedLab(): Promise<Lab> {
  const lab = await attachLab(testLabDir);
  if (!lab) throw new Error("the tests' lab host does not run");
  return lab;
}

/** Stops the host and boots it again, on another port; what is on its disk stays. */
export async function restartLab(options: { permissive?: boolean } = {}): Promise<Lab> {
  await (await sharedLab()).stop();
  return startLab({ dir: testLabDir, owner: process.pid, ...options });
}

/** What SELinux denied to the domains that we answer for, since the host was made. */
export async function denials(lab: Lab): Promise<string[]> {
  const { stdout } = await lab.ssh("ausearch --input-logs -m AVC,USER_AVC,SELINUX_ERR 2>/dev/null || true");
  return stdout.split("\n").filter((line) => /denied|SELINUX_ERR/.test(line) && /virtd_lxc_t|svirt_lxc_/.test(line));
}

/** A test on the lab host that shows, if it fails, what the host has to say. */
export function labTest(name: string, work: (lab: Lab) => Promise<void>): void {
  test(
    name,
    async () => {
      const lab = await sharedLab();
      try {
        await work(lab);
      } catch (error) {
        console.error(await evidence(lab));
        throw error;
      }
    },
    20 * 60_000,
  );
}

async function evidence(lab: Lab): Promise<string> {
  const journal = await lab.ssh("journalctl -n 30 --no-pager -o short-precise; virsh -c lxc:/// list --all", {
    reject: false,
  });
  const console = await lab.console();
  return [
    `the lab's console:\n${console.split("\n").slice(-10).join("\n")}`,
    `its journal:\n${journal.stdout}${journal.stderr}`,
    `denials:\n${(await denials(lab).catch(() => [])).slice(-10).join("\n")}`,
  ].join("\n\n");
}
