import { lifecycle } from "../../../provider/engine/lifecycle.ts";
import type { Batch, Report } from "../../../provider/host/batch.ts";
import { Session } from "../../../provider/host/session.ts";
import { lxcDomain } from "../../../provider/resources/lxc-domain/index.ts";
import { lxcImage } from "../../../provider/resources/lxc-image.ts";
import { lxcRootfs } from "../../../provider/resources/lxc-rootfs/index.ts";
import { lxcStore } from "../../../provider/resources/lxc-store.ts";
import { idsOf } from "../../support/plans.ts";
import { both, type Edit, printed, recorded, says, swap, without } from "../../support/recorded.ts";

// The removal of a stack's store, on the recorded host: what it takes along, and what it must not.
const kinds = [lxcStore, lxcImage, lxcRootfs, lxcDomain];
const ID = "0a1b2c3d";
/** The recorded stack with an ID. */
const as = (id: string): Edit =>
  both(swap(/\/lab\//g, `/lab@${id}/`), (text) => text.replaceAll("%2Flab%2F", `%2Flab%40${id}%2F`));
const { run } = Session.prototype;
afterEach(() => {
  Session.prototype.run = run;
});

/** What the host prints no more when a step was carried out. */
const effects: Record<string, Record<string, Edit>> = {
  "undefine-domain": { domains: says("") },
  "release-address 10.213.0.2": { networks: without(/<host mac/) },
  "remove-unit": { mounts: says("@files\n@disks\n@mounts\n") },
  "remove-root": { store: without(/roots\/web/), settings: says("") },
  "free-slot 0": { store: without(/slots\/0/) },
};
let hosts = 0;

/** Removes the store of the stack `lab` of that ID, and tells what was done to the host. */
async function remove(edit: Edit = (text) => text, id = ID): Promise<string[]> {
  const store = both(as(ID), edit);
  // The domain is on another root, so that neither is part of a whole container.
  const domains = both(as(ID), swap(/roots\/web/g, "roots/other"));
  const results = new Map(recorded({ store, domains }));
  const done: string[] = [];
  Session.prototype.run = async ({ steps = [] }: Batch): Promise<Report> => {
    for (const step of steps) {
      const id = idsOf([step])[0]!;
      done.push(id);
      for (const [key, edit] of Object.entries(effects[id] ?? {})) {
        results.set(key, printed(edit(results.get(key)!.stdout)));
      }
      const path = step.argv.at(-1)!.replace("/var/lib/svirt-lxc/", "./");
      const lines = results.get("store")!.stdout.split("\n");
      if (id.startsWith("release-"))
        results.set("store", printed(lines.filter((l) => !l.startsWith(`${path}:`)).join("\n")));
    }
    const outcomes = steps.map(() => printed(""));
    return { observation: { results: new Map(results), digest: "" }, outcomes, stale: false };
  };
  const owner = "svirt-lxc/lab/LxcStore/lab";
  const props = { connection: { ssh: `orphans-${hosts++}` }, owner, stackId: id, schemaVersion: 1 };
  await lifecycle(lxcStore, kinds).delete!("id", props);
  return done;
}

test("the stack's last store on a host takes along what is left of it, in the reverse order of making", async () => {
  const done = await remove();
  const order = ["stop-container", "undefine-domain", "unmount-root", "remove-root", "free-slot 0", "remove-image"];
  expect(done.filter((id) => order.includes(id))).toEqual(order);
});

// As when a host gets another name in the program, or of two people who both call their stack so.
test("another store of the same stack's name takes nothing along", async () => {
  expect(await remove(undefined, "ffffffff")).toEqual([]);
});

test("what carries no ID is no stack's", async () => {
  expect(await remove((text) => text.replaceAll(/(@|%40)0a1b2c3d/g, ""), undefined)).not.toContain("remove-root");
});

test("a root that was killed before it was written down goes with its claim of the image", async () => {
  const done = await remove(without(/roots\/web/));
  expect(done).toContain("free-slot 0");
  expect(done.filter((id) => id === "release-image")).toHaveLength(2);
});

test("a stack that was renamed has the same ID", async () => {
  expect(await remove(swap(/lab(?=@|%40)/g, "other"))).toContain("remove-root");
});

test("what is to be kept stays", async () => {
  const kept: Edit = (text) => text.replace('"name":"web"}', '"name":"web","retain":true}');
  expect(await remove(kept)).not.toContain("remove-root");
});
