import { Life } from "../support/host/life.ts";
import { damage, RECORDS, running, WAYS } from "../support/host/records.ts";

/** Each record, damaged in each way under a running container: by `up` it is as it was, by `destroy` it goes. */

let life: Life;
let damaged = 0;

beforeAll(async () => {
  life = await Life.begin(`records${process.env.JEST_WORKER_ID}`);
}, 3_600_000);

afterAll(async () => {
  process.stderr.write(`sweep of records: ${damaged} damaged\n`);
  await life.end();
});

const cases = RECORDS.flatMap(([path, resource]) => WAYS.map((how) => [path, how, resource] as const));

test.each(cases)(
  "%s, %s",
  async (path, how, resource) => {
    const { host, stack } = life;
    await life.reach("created");
    const pid = await running(host);
    await damage(host, path, how);
    damaged++;
    const { operations } = await stack.preview();
    expect(Object.keys(operations)).toContain(resource);
    const up = await stack.up();
    expect(up.ok ? "" : up.output).toBe("");
    expect(await life.unlike("created")).toEqual([]);
    expect(await running(host)).toBe(pid);
    await stack.converged();

    await damage(host, path, how);
    const destroy = await life.reach("nothing");
    expect(destroy.ok ? "" : destroy.output).toBe("");
    expect(await life.unlike("nothing")).toEqual([]);
  },
  3_600_000,
);
