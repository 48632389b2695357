import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";

const unit = (wanted: string) => `[Service]\nExecStart=/bin/true\n\n[Install]\nWantedBy=${wanted}\n`;

/** The least that counts as a root: an init, users, units that can be enabled, and a time zone. */
const FILES: Readonly<Record<string, string>> = {
  "usr/sbin/init": "#!/bin/sh\n",
  "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
  "etc/shadow": "root:*:19000:0:99999:7:::\n",
  "etc/group": "root:x:0:\n",
  "usr/share/zoneinfo/Europe/Berlin": "",
  "usr/lib/systemd/system/systemd-networkd.service": unit("multi-user.target"),
  "usr/lib/systemd/system/nginx.service": unit("multi-user.target"),
  "usr/lib/systemd/system/cron.service": unit("multi-user.target"),
};

/** Makes an archive for an image. Another `edition`, or `more` files, is another image. */
export async function makeArchive(file: string, edition = "1", more: Record<string, string> = {}): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "svirt-lxc-root-"));
  try {
    for (const folder of ["root", "run", "var/lib", "tmp"]) await mkdir(join(dir, folder), { recursive: true });
    for (const [name, text] of Object.entries({ ...FILES, ...more, "etc/edition": `${edition}\n` })) {
      await mkdir(join(dir, dirname(name)), { recursive: true });
      await writeFile(join(dir, name), text);
    }
    await chmod(join(dir, "usr/sbin/init"), 0o755);
    await chmod(join(dir, "etc/shadow"), 0o640);
    await symlink("usr/sbin", join(dir, "sbin"));
    await execa("tar", ["-c", "--owner=0", "--group=0", "--numeric-owner", "-f", file, "-C", dir, "."]);
  } finally {
    await rm(dir, { recursive: true });
  }
}
