import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lab } from "../../lab/index.ts";
import { until } from "../../lab/wait.ts";
import { quoteArgv } from "../../provider/host/batch.ts";
import { awaitBoot } from "../../provider/tools/await-boot.ts";
import { labTest, ownDenials, sharedLab } from "../support/lab.ts";
import { labConfig } from "../support/lab-config.ts";
import { keepHostPrepared } from "../support/lab-keeper.ts";
import { insideOf, makeLoginKey } from "../support/login.ts";
import { Stack } from "../support/stack.ts";

/** One container whose definition, boot and company somebody else meddles with. */

const NAME = "edited";
const ROOT = `/var/lib/svirt-lxc/roots/${NAME}/guest/root`;
const UNITS = `${ROOT}/etc/systemd/system`;
const V = "virsh -q -c lxc:///";
const INIT = `$(cat /proc/$(cat /run/libvirt/lxc/${NAME}.pid)/task/*/children | tr -d ' ')`;
const RESOURCE = `LxcDomain ${NAME}`;

let dir: string;
let key: string;
let stack: Stack;
/** What other tests on the same host were denied before. */
let denied: string[];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "svirt-lxc-domain-"));
  await keepHostPrepared();
  key = await makeLoginKey(dir);
  const container = { host: "lab", image: "base", authorizedKeys: [`${key}.pub`], memory: "256MiB" };
  stack = await Stack.create("lab-domain", labConfig({ [NAME]: container }), { dir });
  denied = await ownDenials(await sharedLab());
  await mended();
}, 20 * 60_000);

afterAll(async () => {
  await stack.destroy();
  await stack.remove();
  await rm(dir, { recursive: true });
}, 20 * 60_000);

/** An `up` that succeeds, after which nothing is left to do; what it did. */
async function mended(): Promise<Record<string, string>> {
  const { ok, output, operations } = await stack.up();
  expect(ok ? "" : output).toBe("");
  await stack.converged();
  return Object.fromEntries(Object.entries(operations).map(([name, { verb }]) => [name, verb]));
}
const redefine = (lab: Lab, edit: string) =>
  lab.ssh(`${V} dumpxml --inactive ${NAME} | sed "${edit}" >/run/edited.xml && ${V} define /run/edited.xml`);
const inside = insideOf(
  () => stack,
  () => key,
);
/** It may have ended a moment ago, of which libvirt makes an error. */
const off = (lab: Lab) =>
  until("its end", 300, async () => {
    const { stdout } = await lab.ssh(`${V} destroy ${NAME} 2>/dev/null; ${V} domstate ${NAME}`, { reject: false });
    return stdout.includes("shut off");
  });
/** When its init began, as the kernel tells. */
const started = async (lab: Lab) => (await lab.ssh(`stat -c %Y /proc/${INIT}`)).stdout;

labTest("what an editor adds to its definition is named, mended, and then silent", async (lab) => {
  const before = (await lab.ssh(`${V} dumpxml --inactive ${NAME}`)).stdout;
  const tuning =
    "<cputune><shares>512</shares></cputune><memtune><soft_limit>131072</soft_limit></memtune><blkiotune><weight>800</weight></blkiotune>";
  await redefine(
    lab,
    `s#>1</vcpu>#>2</vcpu>#; s#<resource>#${tuning}&#; s#offset='utc'#offset='localtime'#; s#262144</currentMemory>#131072</currentMemory>#`,
  );
  const preview = await stack.preview("--diff");
  expect(preview.operations[RESOURCE]).toMatchObject({ verb: "update" });
  const named = [...preview.output.matchAll(/^ *- *\[\d+\]: "(.*)"$/gm)].map(([, fact]) => fact);
  expect(named.sort()).toEqual([
    "blkiotune/weight=800",
    "clock@offset=localtime",
    "cputune/shares=512",
    "currentMemory=131072",
    "memtune/soft_limit=131072",
    "memtune/soft_limit@unit=KiB",
    "vcpu=2",
  ]);
  expect(await mended()).toEqual({ [RESOURCE]: "update" });
  expect((await lab.ssh(`${V} dumpxml --inactive ${NAME}`)).stdout).toBe(before);
  expect((await lab.ssh(`${V} dumpxml ${NAME}`)).stdout).not.toMatch(/tune>|localtime|>2<\/vcpu>/);
});

labTest("what it was started with is mended too, and another end of its interface", async (lab) => {
  await redefine(lab, `s#>1</vcpu>#>2</vcpu>#`);
  await off(lab);
  await lab.ssh(`${V} start ${NAME}`);
  await redefine(lab, `s#>2</vcpu>#>1</vcpu>#`);
  expect(await mended()).toEqual({ [RESOURCE]: "update" });
  await redefine(lab, `s#<interface type='network'>#&<filterref filter='svirt-lxc-none'/>#`);
  expect((await stack.preview("--diff")).output).toContain("devices/interface/filterref@filter=svirt-lxc-none");
  expect(await mended()).toEqual({ [RESOURCE]: "update" });
});

labTest(
  "an administrator's shell inside is named and changes nothing; what it leaves behind is not let pass",
  async (lab) => {
    const was = await started(lab);
    await lab.ssh(`setsid nsenter -a -t ${INIT} sh -c 'sleep 3141; :' </dev/null >/dev/null 2>&1 &`);
    const { output } = await stack.converged();
    expect(output).toMatch(
      /processes of the host are in the container.*: sh \(\w+:\w+:unconfined_t:.*, user 18790\d+\), sleep \(/,
    );
    expect(await mended()).toEqual({});
    expect((await stack.outputs()).containers[NAME].verdict).toBe("confined");
    expect(await started(lab)).toBe(was);

    await lab.ssh("kill $(pgrep -fx 'sleep 3141')");
    expect((await stack.converged()).output).not.toContain("processes of the host");

    await lab.ssh(`nsenter -a -t ${INIT} sh -c 'sleep 3142 </dev/null >/dev/null 2>&1 & :'`);
    await stack.refresh();
    expect((await stack.resources())[RESOURCE].outputs.verdict).toMatch(/^unconfined: .*unconfined_t.* runs sleep/);
    expect(await mended()).toEqual({ [RESOURCE]: "update" });
    expect((await lab.ssh("pgrep -fx 'sleep 3142'", { reject: false })).stdout).toBe("");
  },
);

labTest("a container that has renamed its interface, and made others, is left alone, and quickly", async (lab) => {
  const was = await started(lab);
  const network = "[Match]\\nName=lan0\\n\\n[Network]\\nDHCP=ipv4\\n\\n[DHCPv4]\\nClientIdentifier=mac\\n";
  await inside(NAME, `printf '${network}' >/etc/systemd/network/1-lan.network && networkctl reload`);
  await lab.ssh(
    [
      `nsenter -t ${INIT} -n ip link set eth0 name lan0`,
      `nsenter -t ${INIT} -n ip link add eth0 type veth peer name other`,
      `nsenter -t ${INIT} -n ip address add 10.9.8.1/24 dev eth0`,
    ].join(" && "),
  );
  await until("its address on the renamed interface", 300, async () => {
    const { stdout } = await lab.ssh(`nsenter -t ${INIT} -n ip -o -4 address show dev lan0`, { reject: false });
    return stdout.includes("inet 10.213.");
  });
  await stack.converged();
  const { ok, output, operations, roundTrips } = await stack.up();
  expect(ok ? "" : output).toBe("");
  expect({ operations, steps: roundTrips.flatMap((trip) => trip.steps) }).toEqual({ operations: {}, steps: [] });
  expect(await started(lab)).toBe(was);
});

const SSH_ON = `rm -rf ${UNITS}/ssh.service ${UNITS}/ssh.service.d`;
const NORMAL = `rm -f ${UNITS}/default.target`;
const boots: [name: string, change: string, undo: string, limit: number, report: RegExp[]][] = [
  [
    "its sshd is masked",
    `ln -sf /dev/null ${UNITS}/ssh.service`,
    SSH_ON,
    60,
    [
      /^edited was waited for in vain for 60 s: 10\.213\.\d+\.\d+, port 22$/m,
      /^its interface eth0 has 10\.213\.\d+\.\d+\/20$/m,
      /^it listens on no port$/m,
      /^its init, systemd, has run for \d+ s, and has started: .*\bdbus\b.*\bsystemd-networkd\b/m,
      /^the last that its init did:\n(.*\n)*.*Startup finished in/m,
    ],
  ],
  [
    "its sshd fails",
    `mkdir -p ${UNITS}/ssh.service.d && printf '[Service]\\nExecStartPre=/bin/false\\n' >${UNITS}/ssh.service.d/x.conf`,
    SSH_ON,
    60,
    [
      /^failed units: ssh\.service \(exit-code\)$/m,
      /^the last warnings in its journal:\n(.*\n)*.*Failed to start ssh\.service/m,
    ],
  ],
  [
    "its networkd is masked",
    `ln -sf /dev/null ${UNITS}/systemd-networkd.service`,
    `rm ${UNITS}/systemd-networkd.service`,
    30,
    [/^its interface eth0 has no address$/m],
  ],
  [
    "its init ends",
    `ln -sf /usr/lib/systemd/system/poweroff.target ${UNITS}/default.target`,
    NORMAL,
    600,
    [/^edited has stopped by itself$/m, /^libvirt's log of it:$/m],
  ],
  [
    "its boot stops in emergency mode",
    `ln -sf /usr/lib/systemd/system/emergency.target ${UNITS}/default.target`,
    NORMAL,
    600,
    [
      /^edited has stopped its boot in emergency mode$/m,
      /has started: emergency$/m,
      /^unread on its console:\n(.*\n)*.*maintenance/m,
    ],
  ],
];
for (const [name, change, undo, limit, report] of boots) {
  labTest(`a container that does not come up says why: ${name}`, async (lab) => {
    const { outputs } = (await stack.resources())[RESOURCE];
    const boot = awaitBoot({ ...outputs, port: 22 }, limit);
    await off(lab);
    await lab.ssh(change);
    const { exitCode, stderr } = await lab.ssh(`${V} start ${NAME} && ${quoteArgv(boot.argv)}`, { reject: false });
    await lab.ssh(undo);
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: expect.stringMatching(report[0]!) });
    for (const line of report) expect(stderr).toMatch(line);
  });
}

labTest("after all of that it comes up again by itself", async (lab) => {
  await off(lab);
  expect(await mended()).toEqual({ [RESOURCE]: "update" });
});

labTest("nothing was denied to a container, nor to libvirt's controller", async (lab) => {
  const all = await ownDenials(lab);
  // Its init may not end what an administrator left behind in it.
  const ours = all.filter((line) => !/comm="systemd-shutdow" .*tcontext=\w+:\w+:unconfined_t:/.test(line));
  expect(ours.filter((line) => !denied.includes(line))).toEqual([]);
});
