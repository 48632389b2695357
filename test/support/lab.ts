import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { attachLab, type Lab, startLab } from "../../lab/index.ts";
import type { SelinuxMode } from "../../lab/ready.ts";
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
export async function restartLab(options: { selinux?: SelinuxMode } = {}): Promise<Lab> {
  await (await sharedLab()).stop();
  return startLab({ dir: testLabDir, owner: process.pid, ...options });
}

/**
 * What SELinux has denied on the host since it was made, to whomever, a line each. Left out is what a boot of it brings along
 * before anything of ours has run, and what was only noted while the host was permissive.
 */
export async function denials(lab: Lab): Promise<string[]> {
  const own = new Set(JSON.parse(await readFile(bootDenials, "utf8")));
  const all = await allDenials(lab);
  return all.filter((line) => !line.includes("permissive=1") && !own.has(kindOf(line)));
}

/** Of these, what was denied to containers of ours, to libvirt's controller or to the mounter. */
export async function ownDenials(lab: Lab): Promise<string[]> {
  return (await denials(lab)).filter((line) => /virtd_lxc_t|svirt_lxc_/.test(line));
}

/** Keeps what is denied on a host that has just booted. */
export async function keepBootDenials(lab: Lab): Promise<void> {
  await writeFile(bootDenials, JSON.stringify((await allDenials(lab)).map(kindOf)));
}

const bootDenials = join(testLabDir, "boot-denials.json");

// Those from before auditd runs are only in the journal.
async function allDenials(lab: Lab): Promise<string[]> {
  const { stdout } = await lab.ssh(
    "ausearch --input-logs -m AVC,USER_AVC,SELINUX_ERR 2>/dev/null; journalctl -q -o cat -g 'avc: +denied'; true",
  );
  return stdout.split("\n").filter((line) => /denied|SELINUX_ERR/.test(line));
}

/** A denial without what differs each time: ids, numbers of inodes, the time. */
function kindOf(line: string): string {
  const field = (name: string) => new RegExp(`\\b${name}=("[^"]*"|\\S+)`).exec(line)?.[1] ?? "";
  const [permissions = line] = /\{.*?\}/.exec(line) ?? [];
  return [permissions, ...["comm", "scontext", "tcontext", "tclass"].map(field)].join(" ");
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
