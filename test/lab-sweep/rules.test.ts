import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Lab } from "../../lab/index.ts";
import { until } from "../../lab/wait.ts";
import { clearAudit, watchAudit } from "../support/audited.ts";
import { labTest, sharedLab } from "../support/lab.ts";
import { containerRules, type Rule, withoutContainerRules } from "../support/policy/rules.ts";
import { MODULE_TEXT } from "../support/recorded.ts";
import { SERVERS } from "../support/servers/index.ts";
import { ServersLife } from "../support/servers/life.ts";
import { WORKLOADS } from "../support/workloads.ts";

/**
 * Each rule of the container's is there for something: the same software runs once more without any of them, and kept from
 * nothing, so that the audit log has what it asked for.
 */

const GUARD = "/etc/libvirt/hooks/lxc.d/svirt-lxc";
const OVER = "-X 500"; // before the module that is loaded (semodule(8), priorities)

const V = "virsh -q -c lxc:///";
let audited: Awaited<ReturnType<typeof watchAudit>>;

afterAll(async () => {
  const lab = await sharedLab();
  await lab.ssh(`${V} destroy web; semodule ${OVER} -r svirt_lxc; semodule -B`, { reject: false, timeout: 1200 });
  await lab.ssh("cat /root/auditd.conf >/etc/audit/auditd.conf; pkill -HUP -x auditd");
  await lab.ssh(
    `cp /root/guard ${GUARD} && restorecon ${GUARD} && chmod 755 ${GUARD}; rm /root/guard; systemctl restart libvirtd`,
  );
  await clearAudit(lab);
}, 30 * 60_000);

const life = new ServersLife("lab-rules");

beforeAll(async () => {
  const lab = await sharedLab();
  // The guard would end a container that is kept from nothing.
  await lab.ssh(`mv ${GUARD} /root/guard && systemctl restart libvirtd`);
  await lab.ssh("cat >/root/svirt_lxc.cil", { input: withoutContainerRules(MODULE_TEXT) });
  await lab.ssh(
    "cp -p /etc/audit/auditd.conf /root/; sed -i 's/^max_log_file = .*/max_log_file = 200/' /etc/audit/auditd.conf",
  );
  await lab.ssh("pkill -HUP -x auditd; auditctl -r 0");
  await lab.ssh(`${V} destroy web; semodule -DB ${OVER} -i /root/svirt_lxc.cil`, { timeout: 900 });
  audited = await watchAudit(lab);
  await lab.ssh(`${V} start web`);
  await until("a login", 600, () =>
    life.inside("true").then(
      () => true,
      () => false,
    ),
  );
}, 60 * 60_000);

labTest("all of it runs", async () => {
  for (const server of SERVERS) expect(await life.ask(server)).toMatch(server.answer);
  for (const { command } of WORKLOADS) await life.inside(`{ ${command}\n} 2>&1`);
  await life.inside("systemctl poweroff").catch(() => {});
});

labTest("each rule was used", async (lab) => {
  const used = (await audited()).filter(({ source }) => source === "svirt_lxc_sys_t");
  const members = new Map<string, string[]>();
  const unused: string[] = [];
  for (const rule of containerRules(MODULE_TEXT)) {
    if (!members.has(rule.target)) members.set(rule.target, await typesOf(lab, rule));
    const asked = used.filter((u) => u.class === rule.class && members.get(rule.target)!.includes(u.target));
    const permissions = new Set(asked.flatMap((u) => u.permissions));
    const never = rule.permissions.filter((permission) => !permissions.has(permission));
    if (never.length > 0)
      unused.push(`${never.length === rule.permissions.length ? "WHOLE " : ""}${rule.text}: ${never.join(" ")}`);
  }
  await writeFile(join("/tmp", "rules-unused.txt"), `${unused.join("\n")}\n`);
  await writeFile(join("/tmp", "rules-used.json"), JSON.stringify(used));
  expect(unused.filter((line) => line.startsWith("WHOLE"))).toEqual([]);
});

/** The types that a rule is about. */
async function typesOf(lab: Lab, { target }: Rule): Promise<string[]> {
  const { stdout } = await lab.ssh(`seinfo -x -a ${target} 2>/dev/null || true`);
  return stdout.includes("attribute ") ? (stdout.match(/\w+/g) ?? []) : [target];
}
