import type { Lab } from "../../lab/index.ts";

/** What a command on the lab host prints, however it ends. */
export async function says(lab: Lab, command: string): Promise<string> {
  return (await lab.ssh(command, { reject: false })).stdout.trim();
}

export async function expectEnforcing(lab: Lab): Promise<void> {
  expect(await says(lab, "getenforce; grep ^SELINUX= /etc/selinux/config")).toBe("Enforcing\nSELINUX=enforcing");
  expect(await says(lab, "ps -o label= -p 1")).toBe("system_u:system_r:init_t:s0");
  expect(await says(lab, "restorecon -R -x -n -v -e /var/lib/svirt-lxc / 2>&1 | cat")).toBe("");
  expect(await says(lab, "ls -a / /var/lib/svirt-lxc | grep -e autorelabel -e selinux.json")).toBe("");
  expect((await lab.ssh("systemctl is-system-running --wait", { reject: false })).stdout).toBe("running");
}
