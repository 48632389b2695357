import type { Lab } from "../../lab/index.ts";
import { until } from "../../lab/wait.ts";
import { audit } from "../../provider/audit.ts";
import { verify } from "../../provider/verify.ts";
import { denials, labTest } from "./lab.ts";
import type { LabPair } from "./lab-pair.ts";

/**
 * What becomes of a container that is started without an `up`, when something is wrong with its confinement. `whole`: also by a
 * boot of the host, and by what takes a new policy.
 */
export function guardTests(pair: LabPair, { whole }: { whole: boolean }): void {
  beforeAll(() => pair.have(), 20 * 60_000);
  const HOOK = "/etc/libvirt/hooks/lxc.d/svirt-lxc";

  const says = async (lab: Lab, command: string) => (await lab.ssh(command)).stdout;
  const state = async (lab: Lab) => (await says(lab, "virsh -q -c lxc:/// domstate web")).trim();
  const load = (lab: Lab, text: string) =>
    lab.ssh("cat >/root/opened.cil && semodule -i /root/opened.cil", { input: text, timeout: 600 });

  /** Starts it by hand; returns what libvirt says of it. */
  async function start(lab: Lab): Promise<string> {
    await lab.ssh("virsh -q -c lxc:/// destroy web", { reject: false });
    return (await lab.ssh("virsh -q -c lxc:/// start web", { reject: false })).stderr;
  }

  /** The same by a boot of the host. */
  async function boot(lab: Lab): Promise<string> {
    await lab.reboot();
    const log = () => says(lab, "journalctl -q -b -o cat -u libvirtd -g 'svirt-lxc: ' || true");
    return until("a word of libvirt's", 300, async () => (await log()) || undefined);
  }

  /** One thing is wrong at a boot of the host, and is mended afterwards; the reason is told by libvirt, and by the next preview. */
  function wrong(
    name: string,
    { make, mend }: { make: (lab: Lab) => Promise<unknown>; mend: (lab: Lab) => Promise<unknown> },
    reason: RegExp,
  ): void {
    pair.event(`${name}: it does not stay up, and the reason is told`, async (lab) => {
      await make(lab);
      expect(await boot(lab)).toMatch(reason);
      expect(await state(lab)).toBe("shut off");
      const { output } = await pair.stack.preview("--refresh", "--diff");
      expect(output).toMatch(reason);
      await mend(lab);
      await pair.up();
      expect(await state(lab)).toBe("running");
    });
  }

  pair.event("a start that is confined is proven", async (lab) => {
    expect(await start(lab)).toBe("");
    expect(await says(lab, "cat /var/lib/svirt-lxc/proofs/web")).toBe(
      `proven ${await says(lab, "cat /proc/$(cat /run/libvirt/lxc/web.pid)/task/*/children | tr -d ' '")}`,
    );
  });

  /** The statements of a file of the host, once there are so many: the host signs by itself, a moment after the start. */
  async function signed(lab: Lab, count: number) {
    const key = (await pair.stack.resources())["LibvirtService lab"].outputs.evidenceKey;
    const log = "/var/log/svirt-lxc/evidence/web.log";
    return until(`${count} statements`, 300, async () => {
      const all = await verify(await says(lab, `cat ${log}`), [key]);
      return all.length >= count ? all.slice(count - 1) : undefined;
    });
  }

  /** Nothing waits to be signed. */
  const allSigned = (lab: Lab) =>
    until("the signer", 300, async () => (await says(lab, "ls -A /var/lib/svirt-lxc/unsigned")) === "");

  pair.event("a start without an `up` is signed, by a key that no container reaches", async (lab) => {
    await allSigned(lab); // of the starts before
    const before = await signed(lab, 1);
    const whose = "stat -c '%C %a %U' /var/lib/svirt-lxc/evidence/key /var/log/svirt-lxc/evidence/web.log";
    expect((await says(lab, whose)).split("\n")).toEqual(
      Array(2).fill(expect.stringMatching(/:svirt_lxc_evidence_t:s0 600 root$/)),
    );
    expect(await start(lab)).toBe("");
    const [last] = await signed(lab, before.length + 1);
    expect(last).not.toHaveProperty("fault");
    expect(last!.statement!.predicate).toMatchObject({
      occasion: "start",
      verdict: "confined",
      host: { machine: await says(lab, "cat /etc/machine-id") },
      policy: { sha256: (await says(lab, "sha256sum /sys/fs/selinux/policy")).slice(0, 64) },
      packages: { "libvirt-daemon-driver-lxc": expect.stringMatching(/^11\./) },
    });
    await allSigned(lab);
  });

  /** What `npm run audit` finds of it. */
  const declared = async () => (await pair.stack.resources())["LxcDomain web"].inputs;
  const audited = async () => audit([await declared()]);

  pair.event("an audit tells each piece of evidence, and what is wrong once it is not", async (lab) => {
    const [good] = await audited();
    expect(good).toMatchObject({ host: "lab", container: "web", confined: true });
    expect(Object.fromEntries(good!.checks.map(({ what, found }) => [what, found]))).toMatchObject({
      kernel: "enforcing",
      labels: (await declared()).label, // of either slot
      namespaces: "all its own",
      capabilities: "00000000a1ec35ff",
      mounts: "overlay at /",
    });
    await lab.ssh("virsh -q -c lxc:/// destroy web");
    expect(await audited()).toMatchObject([{ confined: false, checks: [{ faults: ["it does not run"] }] }]);
    await pair.up();
  });

  const relabel = (level: string) => (lab: Lab) =>
    lab.ssh(
      `virsh -q -c lxc:/// dumpxml --inactive web | sed 's/svirt_lxc_sys_t:s0:c[0-9]*,c[0-9]*</svirt_lxc_sys_t:${level}</' | virsh -q -c lxc:/// define /dev/stdin`,
    );
  const unload = (lab: Lab) => lab.ssh("semodule -r opened", { timeout: 600 });
  if (whole) {
    wrong(
      "another label in its definition",
      { make: relabel("s0:c7,c777"), mend: async () => {} },
      /its definition says the label \S+:s0:c7,c777/,
    );
    wrong(
      "a module that lets it read passwords",
      { make: (lab) => load(lab, "(allow svirt_lxc_sys_t shadow_t (file (open read)))"), mend: unload },
      /lets it read or change the host's passwords/,
    );
    wrong(
      "a type that was made permissive",
      { make: (lab) => load(lab, "(typepermissive svirt_lxc_sys_t)"), mend: unload },
      /has made the type svirt_lxc_sys_t permissive/,
    );
  }

  pair.event("a guard that was deleted is put back, and libvirt told of it", async (lab) => {
    await lab.ssh(`rm ${HOOK} && systemctl restart libvirtd`);
    expect((await pair.stack.preview("--refresh")).operations).toHaveProperty("LibvirtService lab");
    await pair.up();
    expect(await says(lab, `stat -c %C ${HOOK}`)).toContain(":svirt_lxc_guard_exec_t:");
    await relabel("s0:c7,c777")(lab);
    expect(await start(lab)).toMatch(/its definition says the label/);
    await pair.up();
  });

  labTest("nothing was denied to the guard, nor to what signs", async (lab) => {
    const theirs = /svirt_lxc_(guard|sign|proof|evidence)_t/;
    expect((await denials(lab)).filter((line) => theirs.test(line))).toEqual([]);
  });
}
