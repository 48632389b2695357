import { equalContainers, succeeded, TOGETHER } from "../support/bench/containers.ts";
import { seconds } from "../support/bench/figures.ts";
import { record } from "../support/bench/report.ts";
import { Site } from "../support/host/site.ts";
import type { Run, Stack } from "../support/stack.ts";

/** Many hosts as a fleet: a stack a host, some of them at a time, against one host alone. */

const HOSTS = 20;
const CONTAINERS = 50;
/** How many engines work at a time. */
const AT_A_TIME = 4;

const OPERATIONS: Record<string, (stack: Stack) => Promise<Run>> = {
  "first up": (stack) => stack.up(...TOGETHER),
  "nothing to do": (stack) => stack.up(...TOGETHER),
};

let site: Site;

beforeAll(async () => {
  site = await Site.create();
});

afterAll(() => site.end());

test("a fleet", async () => {
  const [alone, ...fleet] = await Promise.all(Array.from({ length: HOSTS + 1 }, (_, i) => stackOf(`h${i}`)));
  const measured = [];
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const one = (await succeeded(operation(alone!))).ms;
    const began = performance.now();
    await someAtATime(fleet, (stack) => succeeded(operation(stack)));
    measured.push({ name, one, all: performance.now() - began });
  }
  record({
    id: "fleet",
    title: `${HOSTS * CONTAINERS} containers over ${HOSTS} hosts`,
    figures: measured.map(({ name, one, all }) => ({
      what: `${name}, a container, ${HOSTS * CONTAINERS} over ${HOSTS} hosts`,
      against: `one host alone, with ${CONTAINERS}`,
      place: "stand-in host",
      unit: "×",
      goal: { most: 1.1 },
      samples: [all / HOSTS / one],
    })),
    table: {
      head: ["operation", "one host alone", `${HOSTS} hosts, ${AT_A_TIME} at a time`],
      rows: measured.map(({ name, one, all }) => [name, seconds([one]), seconds([all])]),
    },
  });
}, 3_600_000);

async function stackOf(host: string): Promise<Stack> {
  await site.host(host);
  const containers = Object.entries(equalContainers(CONTAINERS)).map(([name, c]) => [
    name,
    { ...c, host, image: "base" },
  ]);
  return site.stack(`fleet-${host}`, {
    "svirt-lxc:hosts": { [host]: { ssh: host } },
    "svirt-lxc:images": { base: { archive: site.archive } },
    "svirt-lxc:containers": Object.fromEntries(containers),
  });
}

async function someAtATime(stacks: readonly Stack[], work: (stack: Stack) => Promise<unknown>): Promise<void> {
  const left = [...stacks];
  const worker = async () => {
    for (let next = left.shift(); next; next = left.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}
