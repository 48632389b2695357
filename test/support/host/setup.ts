import { ensureEngine } from "../../../scripts/engine/index.ts";
import { ensurePrograms } from "../../../scripts/setup/packages.ts";

// What the test hosts take of the machine, and the Debian package that has it.
const programs: Readonly<Record<string, string>> = {
  nsenter: "util-linux",
  perl: "perl-base",
  ps: "procps",
  ip: "iproute2",
  ss: "iproute2",
  mke2fs: "e2fsprogs",
  "ssh-keygen": "openssh-client",
  "systemd-firstboot": "systemd",
  "systemd-tmpfiles": "systemd",
};

/** Before the tests on hosts that cost nothing: the engine, and what these hosts are made of. */
export default async function setUp(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error("The engine tests make namespaces: run them as root.");
  await ensurePrograms("A test host", programs);
  await ensureEngine();
}
