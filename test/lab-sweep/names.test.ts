import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { Lab } from "../../lab/index.ts";
import { checkout } from "../../scripts/setup/paths.ts";
import { labTest, ownDenials, sharedLab } from "../support/lab.ts";
import { keepHostPrepared } from "../support/lab-keeper.ts";
import { insideOf, makeLoginKey } from "../support/login.ts";
import { Stack } from "../support/stack.ts";
import {
  commonNames,
  DOMAIN,
  expectedNames,
  KEY_TYPES,
  lookUp,
  MACHINE_ID,
  plantIdentity,
  readRoot,
  servedKeys,
} from "../support/twins.ts";

/** Two containers of one image that brings an identity, a resolver and a network file of its own: names, and who is who. */

const SECRET = "the image's own secret";
/** What lies in the image and must be no container's. */
const UNIQUE = ["etc/machine-id", "var/lib/systemd/credential.secret", "var/lib/systemd/random-seed", "etc/hostid"];

let dir: string;
let key: string;
let stack: Stack;
/** The public halves of the image's ssh host keys. */
let imageKeys: string[];
/** What other tests on the same host were denied before. */
let denied: string[];
const config = (hostname = "front") => {
  const common = { host: "lab", image: "twins", authorizedKeys: [`${key}.pub`], memory: "256MiB" };
  return {
    "svirt-lxc:hosts": { lab: { ssh: "lab", sshConfig: ".lab-test/ssh_config" } },
    "svirt-lxc:images": { twins: { archive: join(dir, "twins.tar") } },
    "svirt-lxc:containers": { front: { ...common, hostname }, db: common },
  };
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "svirt-lxc-names-"));
  await keepHostPrepared();
  key = await makeLoginKey(dir);
  await makeArchive();
  await serveOutside(await sharedLab());
  stack = await Stack.create("lab-names", config(), { dir });
  denied = await ownDenials(await sharedLab());
}, 20 * 60_000);

afterAll(async () => {
  await stack.destroy();
  await stack.remove();
  await hideOutside(await sharedLab());
  await rm(dir, { recursive: true });
}, 20 * 60_000);

const inside = insideOf(
  () => stack,
  () => key,
);

labTest("two containers of an image whose /root is a link come up, and stay as they are", async () => {
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  await stack.converged();
});

labTest("names: localhost, the own, the neighbour's, its full one, and one outside", async () => {
  const { containers } = await stack.outputs();
  for (const [own, other] of [
    ["front", "db"],
    ["db", "front"],
  ] as const) {
    expect({
      ...(await commonNames(inside, own, other)),
      outside: await lookUp(inside, own, "www.outside.test"),
      "nobody's": await lookUp(inside, own, `nobody.${DOMAIN}`),
    }).toEqual({
      ...expectedNames(own, other, containers[other].address),
      outside: expect.stringMatching(/^192\.0\.2\.7 +www\.outside\.test$/),
      "nobody's": "",
    });
  }
});

labTest("the address comes by our network file, whatever the image says of its interface", async () => {
  const { stdout } = await inside("front", "networkctl status eth0 | grep 'Network File'");
  expect(stdout).toMatch(/\/etc\/systemd\/network\/0-svirt-lxc\.network$/);
});

labTest("twins share no identity, neither with each other nor with the image", async (lab) => {
  const [front, db] = [await readRoot(lab, "front", UNIQUE), await readRoot(lab, "db", UNIQUE)];
  for (const own of [front, db]) {
    expect(own).toMatch(/^etc\/machine-id:[0-9a-f]{32}$/m);
    expect(own).not.toContain(MACHINE_ID);
    expect(own).not.toContain(SECRET);
  }
  expect(/machine-id:.*/.exec(front)![0]).not.toBe(/machine-id:.*/.exec(db)![0]);

  // As the network sees them: what each one serves, of every type that the image had.
  const { containers } = await stack.outputs();
  const served = [containers.front, containers.db].map(({ address }) => servedKeys(lab, address));
  const keys = [...(await Promise.all(served)).flat(), ...imageKeys];
  expect(keys).toHaveLength(3 * KEY_TYPES.length);
  expect(new Set(keys).size).toBe(keys.length);

  const { stdout } = await lab.ssh("cat /var/lib/svirt-lxc/roots/*/root.json");
  expect(stdout.match(/"identity":true/g)).toHaveLength(2);
});

labTest("an edit of /etc/resolv.conf inside is the container's own; the own name follows the host name", async () => {
  await inside("front", "echo 'options timeout:9' >>/etc/resolv.conf; echo '10.9.9.9 printer' >>/etc/hosts");
  await stack.converged();
  await stack.configure(config("www"));
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  expect(await lookUp(inside, "front", "www")).toMatch(new RegExp(`^127\\.0\\.1\\.1 +www\\.${DOMAIN} www$`));
  expect(await lookUp(inside, "front", "printer")).toMatch(/^10\.9\.9\.9 /);
  expect((await inside("front", "cat /etc/hosts")).stdout).not.toContain("front");
  expect((await inside("front", "cat /etc/resolv.conf")).stdout).toContain("timeout:9");
  await stack.converged();
});

labTest("nothing was denied to a container, nor to libvirt's controller", async (lab) => {
  expect((await ownDenials(lab)).filter((line) => !denied.includes(line))).toEqual([]);
});

/** The lab's archive, with what images of other people bring. */
async function makeArchive(): Promise<void> {
  const tree = join(dir, "tree");
  await mkdir(tree);
  const at = (path: string) => join(tree, path);
  await execa("tar", ["-x", "--numeric-owner", "-p", "-f", join(checkout, ".lab-test/base.tar"), "-C", tree]);
  imageKeys = await plantIdentity(tree);
  for (const path of UNIQUE.slice(1)) await writeFile(at(path), SECRET);
  await writeFile(at("etc/resolv.conf"), "nameserver 192.0.2.1\n");
  await writeFile(at("etc/hosts"), "127.0.0.1 localhost\n127.0.1.1 builder\n");
  const network = "[Match]\nName=eth0\n\n[Network]\nAddress=192.0.2.99/24\n";
  for (const name of ["00-image", "10-eth0"]) await writeFile(at(`etc/systemd/network/${name}.network`), network);
  await rm(at("root"), { recursive: true });
  await symlink("var/roothome", at("root"));
  await execa("tar", ["-c", "--numeric-owner", "-f", join(dir, "twins.tar"), "-C", tree, "."]);
  await rm(tree, { recursive: true });
}

/** A resolver on the lab host that knows one zone: its outside. */
async function serveOutside(lab: Lab): Promise<void> {
  await lab.ssh(
    [
      "cp -p /etc/resolv.conf /run/resolv.conf.saved && echo 'nameserver 127.0.0.1' >/etc/resolv.conf",
      "dnsmasq --conf-file=/dev/null --pid-file=/run/outside.pid --no-resolv --no-hosts --bind-interfaces --interface=lo --address=/outside.test/192.0.2.7",
    ].join(" && "),
  );
}

async function hideOutside(lab: Lab): Promise<void> {
  await lab.ssh("kill $(cat /run/outside.pid); cat /run/resolv.conf.saved >/etc/resolv.conf", { reject: false });
}
