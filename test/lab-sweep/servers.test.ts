import type { AvcRecord } from "../../provider/tools/avc-record.ts";
import { clearAudit, watchAudit } from "../support/audited.ts";
import { Documented, expectDocumented, table } from "../support/generated.ts";
import { labTest, sharedLab } from "../support/lab.ts";
import { keepHostPrepared } from "../support/lab-keeper.ts";
import { SERVERS } from "../support/servers/index.ts";
import { ServersLife } from "../support/servers/life.ts";
import { REFUSED } from "../support/servers/refused.ts";
import { WORKLOADS } from "../support/workloads.ts";

/** The usual server software in one container, while the policy keeps no denial quiet. */

const DOCUMENT = "docs/workloads.md";
const OURS = /^(svirt_lxc_\w+|virtd_lxc_t)$/;

let audited: () => Promise<AvcRecord[]>;
const served = new Documented(DOCUMENT, "servers", ["software", "it …"]);
const refused = new Set<(typeof REFUSED)[number]>();

beforeAll(async () => {
  await keepHostPrepared();
  const lab = await sharedLab();
  await lab.ssh("semodule -DB", { timeout: 600 });
  audited = await watchAudit(lab);
}, 20 * 60_000);

const life = new ServersLife("lab-servers");

afterAll(async () => {
  const lab = await sharedLab();
  await lab.ssh("semodule -B", { timeout: 600 });
  await clearAudit(lab); // what was denied quietly is no other test's
}, 20 * 60_000);

/** What was denied to ours since the last look, and is not known to be. */
async function unknownDenials(): Promise<string[]> {
  const denials = (await audited()).filter(({ result, source }) => result === "denied" && OURS.test(source));
  return denials.flatMap((denial) => {
    const known = REFUSED.find(
      ({ permissions, ...what }) =>
        (["source", "target", "class"] as const).every((key) => what[key] === denial[key]) &&
        denial.permissions.every((permission) => permissions.includes(permission)),
    );
    if (known) refused.add(known);
    const { source, target, class: kind, permissions, program, file } = denial;
    return known ? [] : [`${source} to ${target}, ${kind}: ${permissions.join(" ")} (${program}, ${file})`];
  });
}

labTest("it is confined, has booted without a failed unit, and nothing unknown was denied for that", async () => {
  expect((await life.stack.outputs()).containers.web.verdict).toBe("confined");
  expect((await life.inside("systemctl is-system-running --wait")).stdout).toBe("running");
  expect(await unknownDenials()).toEqual([]);
});

for (const server of SERVERS) {
  labTest(`${server.name} answers, and nothing unknown is denied`, async () => {
    expect(await life.ask(server)).toMatch(server.answer);
    expect(await unknownDenials()).toEqual([]);
    served.note(server.name, server.does);
  });
}

for (const { name, command, prints } of WORKLOADS) {
  labTest(`${name}: nothing unknown is denied`, async () => {
    const { stdout } = await life.inside(`{ ${command}\n} 2>&1`);
    if (typeof prints === "string") expect(stdout).toBe(prints);
    else expect(stdout).toMatch(prints);
    expect(await unknownDenials()).toEqual([]);
  });
}

labTest("it stops and starts, and nothing unknown is denied", async (lab) => {
  await lab.ssh("virsh -q -c lxc:/// destroy web");
  await life.up();
  expect((await life.inside("systemctl is-system-running --wait")).stdout).toBe("running");
  expect(await unknownDenials()).toEqual([]);
});

test("what is documented is what was asked, and what was refused", () => {
  served.expect();
  expect(REFUSED.filter((row) => !refused.has(row))).toEqual([]);
  const rows = REFUSED.map(({ target, class: kind, permissions, who, because }) => [
    who,
    `\`${target}\` ${kind}: ${permissions.join(" ")}`,
    because,
  ]);
  expectDocumented(DOCUMENT, "refused", table(["asked for by", "what", "left so, because"], rows));
});
