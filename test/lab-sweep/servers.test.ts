import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AvcRecord } from "../../provider/tools/avc-record.ts";
import { clearAudit, watchAudit } from "../support/audited.ts";
import { Documented, expectDocumented, table } from "../support/generated.ts";
import { labTest, sharedLab, testLabDir } from "../support/lab.ts";
import { keepHostPrepared } from "../support/lab-keeper.ts";
import { insideOf, makeLoginKey } from "../support/login.ts";
import { ensureServersArchive } from "../support/servers/archive.ts";
import { SERVERS } from "../support/servers/index.ts";
import { REFUSED } from "../support/servers/refused.ts";
import { USER } from "../support/servers/server.ts";
import { Stack } from "../support/stack.ts";
import { WORKLOADS } from "../support/workloads.ts";

/** The usual server software in one container, while the policy keeps no denial quiet. */

const DOCUMENT = "docs/workloads.md";
const OURS = /^(svirt_lxc_\w+|virtd_lxc_t)$/;

let dir: string;
let key: string;
let stack: Stack;
let audited: () => Promise<AvcRecord[]>;
const served = new Documented(DOCUMENT, "servers", ["software", "it …"]);
const refused = new Set<(typeof REFUSED)[number]>();

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "svirt-lxc-servers-"));
  await ensureServersArchive(testLabDir);
  await keepHostPrepared();
  const lab = await sharedLab();
  await lab.ssh("semodule -DB", { timeout: 600 });
  audited = await watchAudit(lab);
  key = await makeLoginKey(dir);
  const web = { host: "lab", image: "servers", authorizedKeys: [`${key}.pub`], memory: "1536MiB" };
  stack = await Stack.create(
    "lab-servers",
    {
      "svirt-lxc:hosts": { lab: { ssh: "lab", sshConfig: ".lab-test/ssh_config" } },
      "svirt-lxc:images": { servers: { archive: ".lab-test/servers.tar.gz" } },
      "svirt-lxc:containers": { web },
    },
    { dir },
  );
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  await inside("web", `useradd -m -s /bin/bash ${USER} && echo ${USER}:word | chpasswd`);
}, 40 * 60_000);

afterAll(async () => {
  await stack.destroy();
  await stack.remove();
  const lab = await sharedLab();
  await lab.ssh("semodule -B", { timeout: 600 });
  await clearAudit(lab); // what was denied quietly is no other test's
  await rm(dir, { recursive: true });
}, 20 * 60_000);

const inside = insideOf(
  () => stack,
  () => key,
);

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

/** Gives the request until it ends well; what it printed then, or the last time. */
const answerOf = (request: string) =>
  `for i in $(seq 300); do said=$( { ${request}\n} 2>&1) && break; sleep 0.2; done; printf %s "$said"`;

labTest("it is confined, has booted without a failed unit, and nothing unknown was denied for that", async () => {
  expect((await stack.outputs()).containers.web.verdict).toBe("confined");
  expect((await inside("web", "systemctl is-system-running --wait")).stdout).toBe("running");
  expect(await unknownDenials()).toEqual([]);
});

for (const { name, does, start = "true", request, answer, stop } of SERVERS) {
  labTest(`${name} answers, and nothing unknown is denied`, async () => {
    const { stdout } = await inside("web", `{ ${start}\n} >/dev/null && ${answerOf(request)}`).catch((error) => ({
      stdout: String(error),
    }));
    if (stop) await inside("web", stop);
    expect(stdout).toMatch(answer);
    expect(await unknownDenials()).toEqual([]);
    served.note(name, does);
  });
}

for (const { name, command, prints } of WORKLOADS) {
  labTest(`${name}: nothing unknown is denied`, async () => {
    const { stdout } = await inside("web", `{ ${command}\n} 2>&1`);
    if (typeof prints === "string") expect(stdout).toBe(prints);
    else expect(stdout).toMatch(prints);
    expect(await unknownDenials()).toEqual([]);
  });
}

labTest("it stops and starts, and nothing unknown is denied", async (lab) => {
  await lab.ssh("virsh -q -c lxc:/// destroy web");
  const { ok, output } = await stack.up();
  expect(ok ? "" : output).toBe("");
  expect((await inside("web", "systemctl is-system-running --wait")).stdout).toBe("running");
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
