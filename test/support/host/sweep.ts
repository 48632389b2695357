import { DISTURBANCES, type Disturbance, disturbed, owners } from "./disturb.ts";
import type { Host } from "./host.ts";
import { Site } from "./site.ts";
import { batches, snapshot } from "./snapshot.ts";
import type { Run, Stack } from "./stack.ts";

export type Life = "create" | "update" | "delete";

const web = { authorizedKeys: ["ssh-ed25519 AAAA me"], rootPasswordSecret: "password", units: ["nginx.service"] };
const edited = { ...web, hostname: "www", memory: "1GiB", units: ["nginx.service", "cron.service"] };
const HOURS = 6 * 3_600_000;

/**
 * Each step of one part of a life, disturbed in each way, a test a way: afterwards the state names what exists, the next run
 * makes the host as if nothing had happened, and destroy leaves nothing.
 */
export function sweep(life: Life): void {
  let site: Site;
  let host: Host;
  let stack: Stack;
  const wanted = new Map<string, string[]>();
  let count = 0;
  let bad = 0;

  const configure = (c: object) => stack.configure({ ...site.config({ web: c }), "svirt-lxc:password": "secret" });
  const must = async (run: Promise<Run>) => {
    const { ok, output } = await run;
    if (!ok) throw new Error(output);
  };
  /** What is not as it should be, a line each. */
  const unlike = async (what: string): Promise<string[]> => {
    const is = await snapshot(host);
    const should = wanted.get(what)!;
    const lines = [
      ...is.filter((line) => !should.includes(line)).map((line) => `+ ${line}`),
      ...should.filter((line) => !is.includes(line)).map((line) => `- ${line}`),
    ];
    return lines.slice(0, 5);
  };

  /** Brings the stack to where the operation begins. */
  const begin = async () => {
    if (life === "create") await must(stack.destroy());
    await configure(web);
    if (life !== "create") await must(stack.up());
    if (life === "update") await configure(edited);
  };
  const operation = life === "delete" ? "destroy" : "up";
  const end = { create: "created", update: "updated", delete: "deleted" }[life];

  /** One disturbance; what it left that it should not. Undefined if there is no such step. */
  const once = async (step: number, what: Disturbance, next: "up" | "destroy"): Promise<string[] | undefined> => {
    await begin();
    const run = await disturbed(host, stack, operation, step, what);
    if (!run) return undefined;
    count++;
    const wrong: string[] = [];
    if (!what.startsWith("kill")) {
      if (!run.output.includes("remedy:")) wrong.push("its error has no remedy");
      const state = Object.keys(await stack.resources());
      wrong.push(...(await owners(host, stack.name)).filter((o) => !state.includes(o)).map((o) => `state lacks ${o}`));
    }
    const again = next === "up" ? await stack.start(operation, "--yes", "--skip-preview").done : await stack.destroy();
    if (!again.ok) wrong.push(again.output);
    wrong.push(...(await unlike(next === "up" ? end : "deleted")));
    if ((await batches(host)) !== "") wrong.push("a batch's folder is left");
    await host.sh("rm -rf /run/svirt-lxc/batch.*");
    return wrong;
  };

  beforeAll(async () => {
    site = await Site.create();
    host = await site.host();
    stack = await site.stack("sweep", {});
    wanted.set("deleted", await snapshot(host));
    for (const [what, config] of [
      ["created", web],
      ["updated", edited],
    ] as const) {
      await configure(config);
      await must(stack.up());
      wanted.set(what, await snapshot(host));
    }
  }, HOURS);

  afterAll(async () => {
    await site.end();
    process.stderr.write(`sweep of ${life}: ${count} disturbances, ${bad} not mended\n`);
  });

  const ways = (Object.keys(DISTURBANCES) as Disturbance[]).flatMap((what) =>
    (["up", "destroy"] as const).map((next): [string, Disturbance, "up" | "destroy"] => [
      `${what}, then ${next}`,
      what,
      next,
    ]),
  );
  test.each(life === "delete" ? ways.filter(([, , next]) => next === "destroy") : ways)(
    "%s",
    async (_, what, next) => {
      const failures: string[] = [];
      for (let step = 1; ; step++) {
        const wrong = await once(step, what, next);
        if (!wrong) break;
        if (wrong.length === 0) continue;
        bad++;
        failures.push(`step ${step}: ${wrong.join("\n  ")}`);
      }
      expect(failures.join("\n")).toBe("");
    },
    HOURS,
  );
}
