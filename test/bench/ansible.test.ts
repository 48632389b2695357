import { ANSIBLE, Playbook } from "../support/bench/ansible.ts";
import { changed, equalContainers, succeeded, TOGETHER } from "../support/bench/containers.ts";
import { type Figure, median, ratios, seconds } from "../support/bench/figures.ts";
import { managed } from "../support/bench/managed.ts";
import { record } from "../support/bench/report.ts";
import { Site } from "../support/host/site.ts";

/** Twenty containers against an ansible-playbook that manages the same things. */

const COUNT = 20;
/** Each takes ansible minutes. */
const ROUNDS = 2;

let site: Site;

beforeAll(async () => {
  site = await Site.create();
});

afterAll(() => site.end());

test("ansible", async () => {
  const host = await site.host();
  const stack = await site.stack("ansible", {});
  const configure = (memory: string) => stack.configure(site.config(equalContainers(COUNT, { memory })));
  const names = Object.keys(equalContainers(COUNT));
  const playbook = await Playbook.create(site.dir, "alpha");
  const variables: Record<string, object> = {};
  for (const memory of ["1GiB", "512MiB"]) {
    await configure(memory);
    await succeeded(stack.up(...TOGETHER));
    variables[memory] = await managed(host, names);
  }
  const play = async (memory: string, changes: boolean) => {
    const { ms, changed } = await playbook.play(variables[memory]!);
    if (changed > 0 !== changes) throw new Error(`ansible has changed ${changed} tasks`);
    return ms;
  };
  await play("512MiB", true); // it keeps what domains it has defined in files of its own

  const nothing = { ours: [] as number[], ansible: [] as number[] };
  const change = { ours: [] as number[], ansible: [] as number[] };
  let [now, next] = ["512MiB", "1GiB"];
  for (let round = 0; round < ROUNDS; round++) {
    nothing.ours.push((await changed(0, stack.up(...TOGETHER))).ms);
    nothing.ansible.push(await play(now, false));
    // And back: ansible begins where we did.
    const both: number[] = [];
    for (const memory of [next, now]) {
      await configure(memory);
      both.push((await changed(COUNT, stack.up(...TOGETHER))).ms);
    }
    change.ours.push(median(both));
    change.ansible.push(await play(next, true));
    await configure(next);
    [now, next] = [next, now];
  }
  const figure = (what: string, least: number, { ours, ansible }: typeof nothing): Figure => ({
    what,
    against: "an ansible-playbook that manages the same things",
    place: "stand-in host",
    unit: "× faster",
    goal: { least },
    samples: ratios(ansible, ours),
  });
  record(
    {
      id: "ansible",
      title: "Against ansible-playbook",
      figures: [
        figure(`nothing to do, ${COUNT} containers, every label proven`, 20, nothing),
        figure(`memory changed in ${COUNT} containers at once`, 10, change),
      ],
      table: {
        head: ["operation", "ours", "ansible-playbook"],
        rows: [
          ["nothing to do", seconds(nothing.ours), seconds(nothing.ansible)],
          ["memory changed in all", seconds(change.ours), seconds(change.ansible)],
        ],
      },
    },
    { "ansible-core": ANSIBLE },
  );
}, 3_600_000);
