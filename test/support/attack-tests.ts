import type { Lab } from "../../lab/index.ts";
import { until } from "../../lab/wait.ts";
import { type Attacked, MAY_BE_ATTACKED } from "../../provider/attacks/attack-containers.ts";
import { ATTACKS, attackProgram, GROUPS, type Results, succeeded } from "../../provider/attacks/index.ts";
import { STATED } from "../../provider/attacks/stated.ts";
import { placeTargets } from "../../provider/attacks/targets.ts";
import { auditCommand } from "../../provider/audit-command.ts";
import { attackRecipe, attackUnmapped } from "./attack-subjects.ts";
import { documentedRows, expectDocumented, noteDocumented, table } from "./generated.ts";
import { labTest, sharedLab } from "./lab.ts";
import type { LabPair } from "./lab-pair.ts";
import { MODULE_VERSION } from "./recorded.ts";

const DOCUMENT = "docs/confinement.md";
const SUBJECTS = ["the recipe of 2014", "ours, host permissive", "ours, without its map of users", "ours"] as const;
type Subject = (typeof SUBJECTS)[number];

/** Some of what the attacks write to, as it is on the host. */
const SETTINGS =
  "cd /proc/sys && grep -s . kernel/core_pattern kernel/modprobe kernel/sysrq kernel/randomize_va_space kernel/kptr_restrict fs/suid_dumpable fs/protected_symlinks vm/overcommit_memory";

const AGAIN = "does all of this again, as root of a user namespace that it makes";

/**
 * What root of a container tries against its host and its neighbour. `whole`: in three other containers as well, which have less
 * around them, and in which the attacks have to work.
 */
export function attackTests(pair: LabPair, { whole }: { whole: boolean }): void {
  let options: string;
  let settings: string;
  const found = new Map<Subject, Results>();

  beforeAll(async () => {
    await pair.have();
    const lab = await sharedLab();
    settings = (await lab.ssh(SETTINGS)).stdout;
    options = await groupOptions(lab);
  }, 20 * 60_000);

  afterAll(async () => {
    const lab = await sharedLab();
    await lab.ssh("setenforce 1");
  });

  const { inside } = pair;

  const groupOptions = async (lab: Lab) =>
    (await lab.ssh("findmnt -n -o FS-OPTIONS /sys/fs/cgroup")).stdout
      .split(",")
      .filter((option) => !["rw", "seclabel"].includes(option))
      .join(",");

  /** As people have a container attacked. */
  async function audited(name: string): Promise<{ attacked: Attacked; code: number }> {
    const args = [pair.stack.name, name, "--attack", "--identity", pair.key, "--json"];
    const { text, code } = await auditCommand(args, {
      command: "audit",
      exportStack: () => pair.stack.pulumi("stack", "export"),
    });
    return { attacked: JSON.parse(text)[0], code };
  }

  async function attackOurs(): Promise<Results> {
    const { attacks, left } = (await audited("web")).attacked;
    expect(left).toBeUndefined();
    const of = (key: "result" | "nested") => Object.fromEntries(attacks.map((tried) => [tried.id, tried[key]]));
    return { direct: of("result"), nested: of("nested") };
  }

  /** The same attacks on somebody else, who is told of the same kind of targets. */
  async function withTargets(work: (program: string) => Promise<Results>): Promise<Results> {
    const { inputs } = (await pair.stack.resources())["LxcDomain db"];
    const { hostKey } = (await pair.stack.resources())["LxcRootfs db"].outputs;
    const { name, address, connection } = inputs;
    const targets = await placeTargets(connection, { name, address, hostKey, connection, identities: [pair.key] });
    const results = await work(await attackProgram(targets.known));
    await targets.end();
    return results;
  }

  const image = async (): Promise<string> => (await pair.stack.resources())["LxcImage lab.base"].outputs.path;

  function subject(name: Subject, work: (lab: Lab) => Promise<Results>): void {
    labTest(`${name} is attacked`, async (lab) => {
      // One attack is to have this module loaded.
      await lab.ssh("modprobe -q -r isofs", { reject: false });
      found.set(name, await work(lab));
    });
  }

  if (whole) {
    subject("the recipe of 2014", async (lab) =>
      withTargets(async (program) => attackRecipe(lab, await image(), program)),
    );
    labTest("most of what is tried works on it", async () => {
      expect(succeeded(found.get("the recipe of 2014")!).direct.length).toBeGreaterThan(ATTACKS.length / 2);
    });

    subject("ours, host permissive", async (lab) => {
      await lab.ssh("setenforce 0");
      try {
        return await attackOurs();
      } finally {
        await lab.ssh("setenforce 1");
      }
    });

    subject("ours, without its map of users", async (lab) =>
      withTargets(async (program) => attackUnmapped(lab, await image(), "web", program)),
    );
  }

  subject("ours", attackOurs);

  labTest("of ours each is refused, or finds nothing, or is stated", async () => {
    const { direct, nested } = succeeded(found.get("ours")!);
    const through = [...direct, ...nested].map(({ id }) => id);
    expect(through.sort()).toEqual(Object.keys(STATED).sort());
  });

  labTest("who does not say that it may be attacked is left in peace", async () => {
    await inside("db", `rm ${MAY_BE_ATTACKED}`);
    const { attacked, code } = await audited("db");
    expect(attacked).toMatchObject({ attacks: [], left: `it has no file ${MAY_BE_ATTACKED}` });
    expect(code).toBe(1);
  });

  labTest("a limit of memory that it takes off is not the one that holds", async () => {
    const limit = "/sys/fs/cgroup/memory.max";
    const write = (value: string) => `unshare -C sh -c 'echo ${value} >${limit}'`;
    const { stdout } = await inside(
      "web",
      `was=$(cat ${limit}); ${write("max")}; cat ${limit}; perl -e '$x = "a" x (600 << 20)'; echo $?; ${write('"$0"')} $was; cat ${limit}`,
    );
    expect(stdout.split("\n")).toEqual(["max", "137", String(256 << 20)]);
  });

  labTest("one that has stopped itself, and libvirt's controller of it, is ended and started again", async (lab) => {
    const stop = `unshare -C sh -c "echo 1 >/sys/fs/cgroup/cgroup.freeze"`;
    await inside("web", `setsid sh -c 'sleep 3; ${stop}' </dev/null >/dev/null 2>&1 &`);
    const events = "/sys/fs/cgroup$(cut -d : -f 3 /proc/$(cat /run/libvirt/lxc/web.pid)/cgroup)/cgroup.events";
    await until(
      "it stands still",
      300,
      async () => (await lab.ssh(`cat "${events}"`, { reject: false })).stdout.includes("frozen 1"),
      1000,
    );
    expect((await lab.ssh("virsh -q -c lxc:/// domstate web")).stdout.trim()).toBe("running");
    await lab.ssh("virsh -q -c lxc:/// destroy web");
    await pair.up();
    expect((await inside("web", "echo back")).stdout).toBe("back");
  });

  labTest("the host and the neighbour are as they were", async (lab) => {
    expect((await lab.ssh("getenforce")).stdout).toBe("Enforcing");
    const left = "ls -d /root/attack-mark-* /var/lib/svirt-lxc/roots/*/guest/root/root/attack-mark-*; pgrep -a -x perl";
    expect((await lab.ssh(left, { reject: false })).stdout).toBe("");
    expect(await groupOptions(lab)).toBe(options);
    expect((await lab.ssh(SETTINGS)).stdout).toBe(settings);
    await pair.stack.converged();
  });

  labTest("what was found is what is documented", async (lab) => {
    const subjects = whole ? SUBJECTS : SUBJECTS.slice(-1);
    expect(subjects.filter((name) => !found.has(name))).toEqual([]);
    const cells = (of: (results: Results) => string) => subjects.map((name) => of(found.get(name)!));
    const rows = GROUPS.map(([title, attacks]) => ({
      title,
      rows: attacks.map(({ id, what, gain }) => [what, gain, ...cells(({ direct }) => direct[id]!)]),
    }));
    const again = [AGAIN, "what its first user namespace has kept from it", ...cells(againText)];
    if (whole) {
      const head = ["A container …", "its root would have", ...SUBJECTS];
      const parts = rows.map((group) => `### ${group.title}\n\n${table(head, group.rows)}\n`);
      expectDocumented(DOCUMENT, "attacks", [...parts, `### All of it again\n\n${table(head, [again])}`].join("\n"));
      noteDocumented(DOCUMENT, "versions", await versions(lab));
      expectDocumented(DOCUMENT, "count", countText());
      expectDocumented(DOCUMENT, "stated", statedText());
    } else {
      // Another kernel may have another error for it.
      const brief = ([what, gain, , , , cell]: readonly (string | undefined)[]) => [what, gain, cell?.split(" ")[0]];
      const documented = documentedRows(DOCUMENT, "attacks").map(brief);
      const own = [...rows.flatMap((group) => group.rows), again];
      expect(documented).toEqual(own.map(([what, gain, cell]) => brief([what, gain, "", "", "", cell])));
    }
  });

  function againText(results: Results): string {
    if (typeof results.nested === "string") return results.nested;
    const { nested } = succeeded(results);
    return nested.map(({ id }) => id).join(", ") || "nothing more";
  }

  function countText(): string {
    const counts = SUBJECTS.map((name) => {
      const words = Object.values(found.get(name)!.direct);
      const count = (pattern: RegExp) => String(words.filter((word) => pattern.test(word)).length);
      return [name, count(/^succeeded/), count(/^refused/), count(/^absent/)];
    });
    return table([`of ${ATTACKS.length}`, "succeeded", "refused", "absent"], counts);
  }

  function statedText(): string {
    const rows = ATTACKS.filter(({ id }) => STATED[id]).map(({ id, what }) => [what, STATED[id]!]);
    return rows.length > 0 ? table(["A container …", "left so, because"], rows) : "Nothing.";
  }

  /** Of what the table was made, and when. */
  async function versions(lab: Lab): Promise<string> {
    const command = `date +%Y-%m-%d; uname -r; dpkg-query -W -f '\${Package} \${Version}\\n' libvirt-daemon-driver-lxc selinux-policy-default`;
    const [date, kernel, ...packages] = (await lab.ssh(command)).stdout.split("\n");
    return `${date}: Linux ${kernel}, ${packages.join(", ")}, policy svirt_lxc version ${MODULE_VERSION}.`;
  }
}
