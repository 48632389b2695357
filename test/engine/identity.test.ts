import { join } from "node:path";
import { makeArchive } from "../support/host/archive.ts";
import { disturbed } from "../support/host/disturb.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import type { Stack } from "../support/stack.ts";

/** An image that brings an identity, as many do: no container of it has that, however its create went. */

const MACHINE_ID = "0123456789abcdef0123456789abcdef";
const IMAGE: Readonly<Record<string, string>> = {
  "etc/machine-id": `${MACHINE_ID}\n`,
  "var/lib/dbus/machine-id": `${MACHINE_ID}\n`,
  "etc/ssh/ssh_host_dsa_key": "the image's",
  "var/lib/systemd/random-seed": "the image's",
  "var/lib/systemd/credential.secret": "the image's",
  "var/lib/NetworkManager/secret_key": "the image's",
  "etc/hostid": "the image's",
  ...Object.fromEntries(
    ["ed25519", "rsa", "ecdsa"].flatMap((type) => [
      [`etc/ssh/ssh_host_${type}_key`, "the image's"],
      [`etc/ssh/ssh_host_${type}_key.pub`, "ssh-ed25519 AAAA the image's"],
      [`etc/ssh/ssh_host_${type}_key-cert.pub`, "the image's"],
    ]),
  ),
};

let site: Site;
let host: Host;
let stack: Stack;

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  await makeArchive(join(site.dir, "base.tar"), "1", IMAGE);
  stack = await site.stack("identity", site.config({ web: {} }));
});

afterAll(() => site.end());

/** The files of a container that may tell who it is, and what they say. */
async function identity(name: string): Promise<Record<string, string>> {
  const root = `/var/lib/svirt-lxc/roots/${name}/guest/root`;
  const text = await host.sh(
    `cd ${root} && for f in etc/ssh/ssh_host_* ${Object.keys(IMAGE).join(" ")}; do [ ! -f "$f" ] || echo "$f=$(sha256sum <"$f")"; done`,
  );
  return Object.fromEntries(text.split("\n").map((line) => line.split("=") as [string, string]));
}
const OWN = [
  "etc/machine-id",
  ...["ecdsa", "ed25519", "rsa"].flatMap((type) => [
    `etc/ssh/ssh_host_${type}_key`,
    `etc/ssh/ssh_host_${type}_key.pub`,
  ]),
];
/** Values that two of them have in common. */
const shared = (a: Record<string, string>, b: Record<string, string>) =>
  Object.entries(a).filter(([file, value]) => b[file] === value);

let imageIdentity: Record<string, string>;
let mounting: number;

test("twins have identities of their own, and nothing of the image's", async () => {
  await stack.configure(site.config({ web: {}, db: {} }));
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  const image = (await host.sh("ls -d /var/lib/svirt-lxc/images/*/root")).trim();
  const sums = await host.sh(`cd ${image} && for f in ${OWN.join(" ")}; do echo "$f=$(sha256sum <"$f")"; done`);
  imageIdentity = Object.fromEntries(sums.split("\n").map((line) => line.split("=") as [string, string]));
  const [web, db] = [await identity("web"), await identity("db")];
  expect(Object.keys(web).sort()).toEqual([...OWN].sort());
  expect(Object.keys(db).sort()).toEqual([...OWN].sort());
  expect(shared(web, db)).toEqual([]);
  expect([...shared(web, imageIdentity), ...shared(db, imageIdentity)]).toEqual([]);
  await stack.converged();
  expect((await stack.destroy()).ok).toBe(true);
});

test("a create that breaks off when the root is mounted goes on, and replaces the image's", async () => {
  await stack.configure(site.config({ web: {} }));
  await host.steps();
  expect((await stack.up()).ok).toBe(true);
  mounting = (await host.steps()).findIndex((step) => step.includes("journalctl -u")) + 1;
  expect(mounting).toBeGreaterThan(1);
  expect((await stack.destroy()).ok).toBe(true);

  const killed = await disturbed(host, stack, "up", mounting, "kill after");
  expect(killed?.ok).toBe(false);
  // Whatever the batch still did: nothing of it was recorded as ours.
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  const web = await identity("web");
  expect(Object.keys(web).sort()).toEqual([...OWN].sort());
  expect(shared(web, imageIdentity)).toEqual([]);
});

test("a failed step of it is made up for by the next run", async () => {
  expect((await stack.destroy()).ok).toBe(true);
  // The step after the mount.
  const failed = await disturbed(host, stack, "up", mounting + 1, "fail");
  expect(failed?.output).toContain("in place of the image's");
  expect(shared(await identity("web"), imageIdentity).length).toBeGreaterThan(0);
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  expect(shared(await identity("web"), imageIdentity)).toEqual([]);
  await stack.converged();
});

test("what is lost later is made anew alone, and an edit of what was written once is left", async () => {
  const before = await identity("web");
  const root = "/var/lib/svirt-lxc/roots/web/guest/root";
  await host.sh(`cd ${root}/etc && echo 'options edns0' >>resolv.conf && rm ssh/ssh_host_ed25519_key*`);
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  const after = await identity("web");
  const changed = Object.keys(before).filter((file) => before[file] !== after[file]);
  expect(changed.sort()).toEqual(["etc/ssh/ssh_host_ed25519_key", "etc/ssh/ssh_host_ed25519_key.pub"]);
  expect(await host.read(`${root}/etc/resolv.conf`)).toBe(
    "nameserver 10.213.0.1\nsearch svirt-lxc.internal\noptions edns0\n",
  );
});
