import type { Verb } from "../support/events.ts";
import { makeArchive } from "../support/host/archive.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import type { Run, Stack } from "../support/stack.ts";

/** What a preview announced is what the up did: for every input of every kind, each edit on top of those before it. */

interface Wishes {
  hosts: Record<string, object>;
  images: Record<string, object>;
  containers: Record<string, Record<string, unknown>>;
}

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHuEtjR me";
const ROOT = { "LxcRootfs web": "update", "LxcDomain web": "update" } as const;
const REBUILD = { "LxcRootfs web": "replace", "LxcDomain web": "replace" } as const;
/** The names that a root looks up are those of its network. */
const NETWORK = { "LibvirtService alpha": "replace", ...ROOT } as const;
/** What of it is not done while a container runs. */
const NETWORK6 = { "LibvirtService alpha": "update", ...ROOT } as const;
const HOST = ["LxcStore", "SelinuxEnforcing", "SelinuxPolicy", "LibvirtService"];

let site: Site;
let host: Host;
let before: string[];
let stack: Stack;
let wishes: Wishes;

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  before = await snapshot(host);
  await makeArchive(`${site.dir}/other.tar`, "2");
  wishes = {
    hosts: { alpha: { ssh: "alpha" } },
    images: { base: { archive: site.archive } },
    containers: { web: { host: "alpha", image: "base" } },
  };
  stack = await site.stack("preview", config());
  expect((await stack.up()).ok).toBe(true);
});

afterAll(() => site.end());

const config = () => Object.fromEntries(Object.entries(wishes).map(([key, value]) => [`svirt-lxc:${key}`, value]));
const password = (value: string) => stack.secret("svirt-lxc:password", value);
const verbs = (run: Run) => Object.fromEntries(Object.entries(run.operations).map(([name, o]) => [name, o.verb]));
const web = (change: object) => () => Object.assign(wishes.containers.web!, change);
const alpha = (change: object) => () => Object.assign(wishes.hosts.alpha!, change);

const edits: [what: string, edit: () => unknown, expected: Record<string, Verb>, properties?: string[]][] = [
  ["memory", web({ memory: "1GiB" }), { "LxcDomain web": "update" }, ["memory"]],
  [
    "hostname, keys and units",
    web({ hostname: "www", authorizedKeys: [KEY], units: ["nginx.service"] }),
    ROOT,
    ["hostname", "authorizedKeys", "units"],
  ],
  ["a password", () => password("one").then(web({ rootPasswordSecret: "password" })), ROOT, ["rootPassword"]],
  [
    "more keys, and no DHCP",
    web({ authorizedKeys: [KEY, `${KEY}-too`], dhcp: false }),
    ROOT,
    ["authorizedKeys", "dhcp"],
  ],
  [
    "keys that are left alone, and no unit any more",
    web({ authorizedKeys: undefined, units: [] }),
    ROOT,
    ["authorizedKeys", "units"],
  ],
  ["rebuild", web({ rebuild: "1" }), REBUILD, ["rebuild"]],
  [
    "another connection to the same host",
    alpha({ ssh: "root@alpha" }),
    Object.fromEntries(
      [...HOST.map((kind) => `${kind} alpha`), "LxcImage alpha.base", ...Object.keys(ROOT)].map((n) => [n, "update"]),
    ),
    ["connection"],
  ],
  [
    "another archive, which changes no container",
    () => Object.assign(wishes.images.base!, { archive: `${site.dir}/other.tar` }),
    { "LxcImage alpha.base": "replace" },
  ],
  ["rebuild on the new image", web({ rebuild: "2" }), REBUILD],
  [
    "one more container",
    () => Object.assign(wishes.containers, { db: { host: "alpha", image: "base" } }),
    { "LxcRootfs db": "create", "LxcDomain db": "create" },
  ],
  ["one container less", () => delete wishes.containers.db, { "LxcRootfs db": "delete", "LxcDomain db": "delete" }],
  ["another network, with another subnet", alpha({ network: "inner", subnet: "10.99.0.0/20" }), NETWORK],
  [
    "the same image, from the host",
    async () => {
      wishes.images.base = {
        hostArchive: "/srv/other.tar",
        sha256: (await stack.resources())["LxcImage alpha.base"].id,
      };
    },
    { "LxcImage alpha.base": "update" },
    ["archive", "hostArchive"],
  ],
  [
    "what may be adopted or restarted, and what is to be confined",
    () => {
      web({ adopt: true })();
      alpha({ adopt: true, confineOthers: true, reboot: "allowed" })();
    },
    {},
  ],
  ["IPv6", alpha({ subnet6: "fd42:1:2:3::/64" }), NETWORK6, ["subnet6"]],
  ["another subnet of IPv6", alpha({ subnet6: "fd42::/64" }), NETWORK6, ["subnet6"]],
  ["no IPv6 any more", alpha({ subnet6: undefined }), NETWORK6, ["subnet6"]],
];

// That nothing is left to do afterwards shows in the next preview, which announces nothing but the next edit.
test.each(edits)("%s: the preview tells what the up does", async (_, edit, expected, properties = []) => {
  await edit();
  await stack.configure(config());
  const announced = await stack.preview();
  const done = await stack.up();
  expect({ ok: done.ok, done: verbs(done) }).toEqual({ ok: true, done: verbs(announced) });
  expect(verbs(announced)).toEqual(expected);
  const [first = ""] = Object.keys(expected);
  expect(announced.operations[first]?.properties.map((p) => p.split(/[.[]/)[0])).toEqual(
    expect.arrayContaining(properties),
  );
});

test("another password: the preview tells what the up does, and nobody the password", async () => {
  await password("two");
  const announced = await stack.preview("--diff");
  const done = await stack.up();
  expect(verbs(done)).toEqual(verbs(announced));
  expect(verbs(announced)).toEqual(ROOT);
  expect(`${announced.output}${done.output}`).not.toMatch(/\btwo\b/);
  await stack.converged();
});

test("a change of connection alone does nothing on the host", async () => {
  alpha({ ssh: "alpha" })();
  await stack.configure(config());
  const { roundTrips, ok } = await stack.up();
  expect(ok).toBe(true);
  expect(roundTrips.flatMap((trip) => trip.steps)).toEqual([]);
});

test("a rebuilt root: the domain goes first, then the root, then both come", async () => {
  web({ rebuild: "3" })();
  await stack.configure(config());
  const { order } = await stack.up();
  expect(order.filter((line) => /^(delete|create)/.test(line))).toEqual([
    "delete-replaced LxcDomain web",
    "delete-replaced LxcRootfs web",
    "create-replacement LxcRootfs web",
    "create-replacement LxcDomain web",
  ]);
});

test("and all that was edited goes with destroy", async () => {
  const { operations, ok } = await stack.destroy();
  expect({ ok, verbs: [...new Set(Object.values(operations).map((o) => o.verb))] }).toEqual({
    ok: true,
    verbs: ["delete"],
  });
  expect(await snapshot(host)).toEqual(before);
});
